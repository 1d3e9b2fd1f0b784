// Lists: named values with an owner and a reason, in lists/*.yaml beside the rules. `$shells` in a rule is the list `shells`.
import type { Diagnostic } from '../diagnostic.ts';
import { functionNamed } from '../expression/functions.ts';
import type { ListValues } from '../expression/syntax.ts';
import { listOf, type MapShape, pattern, type Reader, type Reading, readMap, report, shaped, text } from './readers.ts';
import { told } from './source-text.ts';
import { readYaml } from './yaml-tree.ts';

export const LIST_VALUES_MAX = 10_000;
const VALUE_LENGTH_MAX = 1_024;

export interface NamedList {
  readonly name: string;
  readonly values: ListValues;
  readonly file: string;
  readonly isOwn: boolean;
}

interface ListKeys {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly reason: string;
  readonly values: ListValues;
}

const LIST_VALUE = { anyOf: [{ type: 'string', maxLength: VALUE_LENGTH_MAX }, { type: 'number' }] };

const listValue: Reader<string | number> = shaped(LIST_VALUE, (node, reading) => {
  if (node.kind === 'scalar' && typeof node.value === 'string' && node.value.length <= VALUE_LENGTH_MAX)
    return node.value;
  if (node.kind === 'scalar' && typeof node.value === 'number' && Number.isFinite(node.value)) return node.value;
  const remedy = 'A list holds texts and numbers; put yes, no, null and the like in quotes.';
  return report(reading, node.at, { code: 'list/wrong-value', message: 'this cannot stand in a list', remedy });
});

const NAME = pattern(/^[a-z][a-z0-9_]{0,63}$/, 'a list’s name', 'Use lower-case letters, digits and `_`.');

/** A list as a map. */
export const LIST: MapShape<ListKeys> = {
  what: 'a list',
  readers: {
    name: NAME,
    description: text(2_000),
    owner: text(200),
    reason: text(2_000),
    values: listOf(listValue, LIST_VALUES_MAX),
  },
  required: ['name', 'owner', 'reason', 'values'],
};

/** The lists of one file. A list with a mistake is left out. */
export function readListText(
  file: string,
  fileText: string,
  isOwn: boolean,
): { readonly lists: readonly NamedList[]; readonly diagnostics: readonly Diagnostic[] } {
  const yaml = readYaml(file, fileText);
  const lists: NamedList[] = [];
  const diagnostics: Diagnostic[] = [...yaml.diagnostics];
  for (const { root } of yaml.documents) {
    const reading: Reading = { source: yaml.source, diagnostics: [] };
    const { values, isComplete } = readMap<ListKeys>(root, LIST, reading);
    const { name, values: members } = values;
    if (name !== undefined && functionNamed(name) !== undefined) {
      const remedy = 'Give the list another name.';
      report(reading, root.at, { code: 'list/taken-name', message: `$${name} is a function`, remedy });
    } else if (isComplete && name !== undefined && members !== undefined) {
      lists.push({ name, values: members, file, isOwn });
    }
    diagnostics.push(...reading.diagnostics);
  }
  return { lists, diagnostics: told(diagnostics) };
}
