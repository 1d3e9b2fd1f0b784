// From when until when a statement reads events, as far as its own conditions on `@timestamp` say so: then no older partition has to be
// opened. It finds what is plain (`WHERE "@timestamp" >= now() - INTERVAL 1 HOUR AND …`); of anything else it knows nothing, which is
// safe. Bounds are left to DuckDB to reckon.
import { listOf, type Tree, textOf, treeOf } from './check.ts';

export interface TimeBound {
  readonly kind: 'from' | 'until';
  /** A node of the tree that depends on no table. */
  readonly expression: Tree;
}

/** The bounds of each place that reads stored events; undefined where one of them has none that is understood. */
export function timeBoundsOf(
  tree: Tree,
  viewNames: ReadonlySet<string>,
): readonly (readonly TimeBound[])[] | undefined {
  const found: (readonly TimeBound[])[] = [];
  let [tables, understood] = [0, 0];
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const member of value) visit(member);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const node = value as Tree;
    if (isView(node, viewNames)) tables += 1;
    if (node['type'] === 'SELECT_NODE') {
      for (const alias of aliasesOf(node, viewNames)) {
        const bounds = conjunctsOf(treeOf(node['where_clause'])).flatMap((one) => boundsOf(one, alias));
        found.push(bounds);
        understood += 1;
      }
    }
    for (const member of Object.values(node)) visit(member);
  };
  visit(tree);
  return tables === understood ? found : undefined;
}

/** A statement's tree that reckons the bounds: one column each, epoch ms. */
export function reckoningTree(bounds: readonly TimeBound[]): string {
  const call = (expression: Tree): unknown => ({
    class: 'FUNCTION',
    type: 'FUNCTION',
    alias: '',
    function_name: 'epoch_ms',
    schema: '',
    children: [
      {
        class: 'CAST',
        type: 'OPERATOR_CAST',
        alias: '',
        child: expression,
        cast_type: { id: 'TIMESTAMP', type_info: null },
        try_cast: true,
      },
    ],
    filter: null,
    order_bys: { type: 'ORDER_MODIFIER', orders: [] },
    distinct: false,
    is_operator: false,
    export_state: false,
    catalog: '',
  });
  const node = {
    type: 'SELECT_NODE',
    modifiers: [],
    cte_map: { map: [] },
    select_list: bounds.map(({ expression }) => call(expression)),
    from_table: { type: 'EMPTY', alias: '', sample: null },
    where_clause: null,
    group_expressions: [],
    group_sets: [],
    aggregate_handling: 'STANDARD_HANDLING',
    having: null,
    sample: null,
    qualify: null,
  };
  // Its places are numbers of 64 bits, which did not survive the reading.
  return JSON.stringify({ error: false, statements: [{ node, named_param_map: [] }] }, (key, value: unknown) =>
    key === 'query_location' ? 0 : value,
  );
}

function isView(node: Tree, viewNames: ReadonlySet<string>): boolean {
  return node['type'] === 'BASE_TABLE' && viewNames.has(textOf(node, 'table_name').toLowerCase());
}

interface Alias {
  readonly name: string;
  /** True where it is the only table, so that a column needs no name before it. */
  readonly isAlone: boolean;
}

/** The stored events that a SELECT names in its own FROM. */
function aliasesOf(select: Tree, viewNames: ReadonlySet<string>): readonly Alias[] {
  const tables: Tree[] = [];
  const gather = (from: Tree): void => {
    if (from['type'] === 'JOIN') {
      gather(treeOf(from['left']));
      gather(treeOf(from['right']));
    } else tables.push(from);
  };
  gather(treeOf(select['from_table']));
  return tables
    .filter((table) => isView(table, viewNames))
    .map((table) => ({
      name: (textOf(table, 'alias') || textOf(table, 'table_name')).toLowerCase(),
      isAlone: tables.length === 1,
    }));
}

function conjunctsOf(node: Tree): readonly Tree[] {
  return node['type'] === 'CONJUNCTION_AND' ? listOf(node['children']).map(treeOf).flatMap(conjunctsOf) : [node];
}

const FROM: ReadonlySet<unknown> = new Set(['COMPARE_GREATERTHAN', 'COMPARE_GREATERTHANOREQUALTO', 'COMPARE_EQUAL']);
const UNTIL: ReadonlySet<unknown> = new Set(['COMPARE_LESSTHAN', 'COMPARE_LESSTHANOREQUALTO', 'COMPARE_EQUAL']);

function boundsOf(node: Tree, alias: Alias): readonly TimeBound[] {
  const bound = (kind: TimeBound['kind'], expression: Tree): readonly TimeBound[] =>
    isReckonable(expression) ? [{ kind, expression }] : [];
  if (node['class'] === 'BETWEEN' && isTime(treeOf(node['input']), alias))
    return [...bound('from', treeOf(node['lower'])), ...bound('until', treeOf(node['upper']))];
  if (node['class'] !== 'COMPARISON') return [];
  const [left, right] = [treeOf(node['left']), treeOf(node['right'])];
  const isFrom = FROM.has(node['type']);
  const isUntil = UNTIL.has(node['type']);
  if (isTime(left, alias)) return [...(isFrom ? bound('from', right) : []), ...(isUntil ? bound('until', right) : [])];
  if (isTime(right, alias)) return [...(isFrom ? bound('until', left) : []), ...(isUntil ? bound('from', left) : [])];
  return [];
}

function isTime(node: Tree, alias: Alias): boolean {
  const parts = listOf(node['column_names']).map((part) => String(part).toLowerCase());
  if (node['class'] !== 'COLUMN_REF' || parts.at(-1) !== '@timestamp') return false;
  return parts.length === 1 ? alias.isAlone : parts.length === 2 && parts[0] === alias.name;
}

const TIME_FUNCTIONS: ReadonlySet<string> = new Set(
  'now current_timestamp get_current_timestamp today current_date + - date_trunc to_timestamp trunc to_years to_months to_weeks to_days to_hours to_minutes to_seconds'.split(
    ' ',
  ),
);

/** Written out, but for the clock: casts, and the usual functions of time. */
function isReckonable(node: Tree): boolean {
  switch (node['class']) {
    case 'CONSTANT':
      return true;
    case 'CAST':
      return isReckonable(treeOf(node['child']));
    case 'FUNCTION':
      return (
        TIME_FUNCTIONS.has(textOf(node, 'function_name').toLowerCase()) &&
        listOf(node['children']).every((child) => isReckonable(treeOf(child)))
      );
    default:
      return false;
  }
}
