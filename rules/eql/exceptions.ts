// Exceptions of Elastic Security, as an export holds them beside its rules → our exceptions. An item is true where all of its entries are.
import { foreignField, isLike, isOneOf, isThere } from '../elastalert/field-conditions.ts';
import type { Scalar } from '../elastalert/notes.ts';
import { allOf, anyOf, not, type Written } from '../foreign/expression-writer.ts';
import type { PlainRule } from '../foreign/foreign-rule.ts';
import { type Data, type ElasticDocument, listOf, objectOf, own, textsOf } from './rule-files.ts';
import { oneText, type Telling } from './rule-parts.ts';
import type { Writing } from './writing.ts';

/** Items by the id of their list. */
export type ExceptionLists = ReadonlyMap<string, readonly Data[]>;

const ITEMS_MAX = 1_000;

/** True of what is an exception, or a list of them, and no rule. */
export function isException({ data }: ElasticDocument): boolean {
  return oneText(data, 'list_id') !== undefined && oneText(data, 'rule_id') === undefined;
}

export function exceptionLists(documents: readonly ElasticDocument[]): ExceptionLists {
  const lists = new Map<string, Data[]>();
  for (const { data } of documents.filter(isException)) {
    const list = oneText(data, 'list_id') ?? '';
    const items = lists.get(list) ?? [];
    if (own(data, 'entries') !== undefined) items.push(data);
    lists.set(list, items);
  }
  return lists;
}

export function exceptionsOf(
  { data, at }: ElasticDocument,
  lists: ExceptionLists,
  writing: Writing,
  telling: Telling,
): readonly PlainRule[] {
  const named = [
    ...new Set(listOf(own(data, 'exceptions_list')).map((one) => oneText(objectOf(one), 'list_id') ?? '')),
  ];
  const absent = named.filter((list) => !lists.has(list));
  if (absent.length > 0) {
    const message = `its exceptions are not in the file (${absent.slice(0, 3).join(', ').slice(0, 120)}): it alerts on what they hide`;
    telling.remark('exceptions_list', message, 'Export the rules together with their exceptions.');
  }
  const items = named.flatMap((list) => lists.get(list) ?? []);
  if (items.length > ITEMS_MAX) {
    telling.refuse('exceptions_list', `more than ${ITEMS_MAX} exceptions`, 'Put values into a list (docs/rules.md).');
  }
  return items.slice(0, ITEMS_MAX).map((item): PlainRule => {
    const name = oneText(item, 'name') ?? 'exception';
    const entries = listOf(own(item, 'entries')).map((entry) => entryOf(objectOf(entry), at, name, writing, telling));
    const day = oneText(item, 'expire_time')?.slice(0, 10);
    const reason = [name, oneText(item, 'description')].filter((part) => part !== undefined).join(': ');
    return {
      match: entries.length === 0 ? anyOf([]).text : allOf(entries).text,
      reason: reason.slice(0, 2_000),
      owner: (oneText(item, 'created_by') ?? 'unknown').slice(0, 200),
      ...(day !== undefined && /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(day) ? { expires: day } : {}),
    };
  });
}

function entryOf(entry: Data | undefined, at: number, name: string, writing: Writing, telling: Telling): Written {
  const type = oneText(entry, 'type') ?? '';
  const field = foreignField(writing.part(at), oneText(entry, 'field') ?? '');
  if (field === undefined) return anyOf([]);
  const part = writing.part(at);
  const value = own(entry, 'value');
  const tested = ((): Written | undefined => {
    switch (type) {
      case 'match':
        return isOneOf(part, field, [scalarOf(value)]);
      case 'match_any':
        return isOneOf(part, field, listOf(value).map(scalarOf));
      case 'exists':
        return isThere(field);
      case 'wildcard':
        return anyOf(textsOf(value).map((text) => isLike(field, text.replaceAll('\\', '\\\\'))));
      default: {
        const remedy =
          type === 'list'
            ? 'Put the values into a list of ours (docs/rules.md), and name it.'
            : 'Write the exception in our words.';
        return telling.refuse(
          'exceptions_list',
          `the exception “${name.slice(0, 80)}” has an entry of type \`${type.slice(0, 40)}\``,
          remedy,
        );
      }
    }
  })();
  if (tested === undefined) return anyOf([]);
  return oneText(entry, 'operator') === 'excluded' ? not(tested) : tested;
}

function scalarOf(value: unknown): Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}
