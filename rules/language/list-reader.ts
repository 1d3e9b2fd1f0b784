// Lists: named values with an owner and a reason, in lists/*.yaml beside the rules. `$shells` in a rule is the list `shells`.
import type { Diagnostic } from '../diagnostic.ts';
import type { ListValues } from '../expression/syntax.ts';
import { type Naming, namingReaders, readNamedMaps } from './named-map.ts';
import { listOf, type MapShape, type Reader, report, shaped } from './readers.ts';

export const LIST_VALUES_MAX = 10_000;
const VALUE_LENGTH_MAX = 1_024;

export interface NamedList {
  readonly name: string;
  readonly values: ListValues;
  readonly file: string;
  readonly isOwn: boolean;
}

interface ListKeys extends Naming {
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

/** A list as a map. */
export const LIST: MapShape<ListKeys> = {
  what: 'a list',
  readers: { ...namingReaders('list'), values: listOf(listValue, LIST_VALUES_MAX) },
  required: ['name', 'owner', 'reason', 'values'],
};

/** The lists of one file. A list with a mistake is left out. */
export function readListText(
  file: string,
  fileText: string,
  isOwn: boolean,
): { readonly lists: readonly NamedList[]; readonly diagnostics: readonly Diagnostic[] } {
  const lists: NamedList[] = [];
  const diagnostics = readNamedMaps({ file, fileText, word: 'list', shape: LIST }, ({ name, values }) => {
    if (name !== undefined && values !== undefined) lists.push({ name, values, file, isOwn });
  });
  return { lists, diagnostics };
}
