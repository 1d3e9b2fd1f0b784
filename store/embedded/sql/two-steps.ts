// `SELECT * … ORDER BY … LIMIT n` in two steps: which rows, by the columns that the statement names; then those rows whole. In one step
// DuckDB makes every field of every row out of its JSON before it sorts them, some 50 µs a row, and leaves all but n of them out again.
import type { Tree } from './check.ts';

/** More rows than that are not named one by one. */
const ROWS_MAX = 1_000;

export interface TwoSteps {
  /** Gives `id` and `@timestamp` of the rows, the skipped ones too; as `json_serialize_sql` would give it. */
  readonly which: string;
  /** The statement over those rows alone. Its condition is left out: it held for them, and `now()` has moved on. */
  readonly whole: string;
}

/** Undefined where a statement is none that gains by it, or whose meaning could change. */
export function twoStepsOf(statement: Tree): TwoSteps | undefined {
  const node = statement['node'] as Tree;
  const modifiers = listOf(node['modifiers']);
  const rows = rowsOf(modifiers);
  const isPlain =
    node['type'] === 'SELECT_NODE' &&
    (node['from_table'] as Tree | null)?.['type'] === 'BASE_TABLE' &&
    (node['from_table'] as Tree)['sample'] === null &&
    listOf((node['from_table'] as Tree)['column_name_alias']).length === 0 &&
    listOf((node['cte_map'] as Tree | null)?.['map']).length === 0 &&
    listOf(node['group_expressions']).length === 0 &&
    listOf(node['group_sets']).length === 0 &&
    node['having'] === null &&
    node['qualify'] === null &&
    node['sample'] === null &&
    listOf(node['select_list']).every(isStar) &&
    // A subquery would see the named rows alone in the second step.
    !JSON.stringify(node['where_clause']).includes('"SUBQUERY"');
  if (!isPlain || rows === undefined || rows > ROWS_MAX) return undefined;
  const serialized = (over: Tree): string =>
    JSON.stringify({ error: false, statements: [{ ...statement, node: { ...node, ...over } }] }, withoutPlaces);
  return {
    which: serialized({
      select_list: [columnOf('id'), columnOf('@timestamp')],
      modifiers: modifiers.map((one) =>
        one['type'] === 'LIMIT_MODIFIER' ? { ...one, limit: constantOf(one['limit'], rows), offset: null } : one,
      ),
    }),
    whole: serialized({ where_clause: null }),
  };
}

/** How many rows are sorted out, skipped ones too; undefined unless there is a limit, of whole numbers, and nothing else but an order by columns. */
function rowsOf(modifiers: readonly Tree[]): number | undefined {
  let rows: number | undefined;
  for (const modifier of modifiers) {
    switch (modifier['type']) {
      case 'LIMIT_MODIFIER': {
        const [limit, offset] = [modifier['limit'], modifier['offset']].map(wholeOf);
        rows =
          limit === undefined || (offset === undefined && modifier['offset'] !== null)
            ? undefined
            : limit + (offset ?? 0);
        if (rows === undefined) return undefined;
        break;
      }
      case 'ORDER_MODIFIER':
        if (!listOf(modifier['orders']).every(({ expression }) => (expression as Tree)['class'] === 'COLUMN_REF'))
          return undefined;
        break;
      default:
        return undefined;
    }
  }
  return rows;
}

function wholeOf(expression: unknown): number | undefined {
  const { class: kind, value } = Object(expression) as Tree;
  const held = (Object(value) as Tree)['value'];
  return kind === 'CONSTANT' && Number.isSafeInteger(held) && (held as number) >= 0 ? (held as number) : undefined;
}

function constantOf(expression: unknown, value: number): Tree {
  const constant = expression as Tree;
  return { ...constant, value: { ...(constant['value'] as Tree), value } };
}

function isStar(expression: Tree): boolean {
  return (
    expression['class'] === 'STAR' &&
    expression['columns'] === false &&
    expression['expr'] === null &&
    listOf(expression['replace_list']).length === 0
  );
}

/** "Nowhere" is the greatest of 64 bits, which is no number of JavaScript's. */
function withoutPlaces(key: string, value: unknown): unknown {
  return key === 'query_location' ? 0 : value;
}

function columnOf(name: string): Tree {
  return { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '', query_location: 0, column_names: [name] };
}

function listOf(value: unknown): readonly Tree[] {
  return Array.isArray(value) ? value : [];
}
