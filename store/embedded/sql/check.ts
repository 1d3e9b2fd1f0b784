// Says whether a statement of people may run, by the tree that DuckDB's own parser makes of it: every node is of a kind that is
// known, every table is one of our views or the statement's own, every function is on the list (functions.ts). Whatever is not
// known is refused. It also bounds what DuckDB does not: how long a text can become. A function's result is in no memory limit, so
// each expression's length is reckoned as a multiple of what is stored, through subqueries, and bounded ({@link GROWTH_MAX}). Longer than
// 300 lines, because what is refused should be read in one place.
import { nearest } from '../../../event/nearest-name.ts';
import { SqlRefused } from '../../sql-refusal.ts';
import { COUNT_MAX, FUNCTION_NAMES, functionNamed, isTableFunction, type SqlFunction } from './functions.ts';

/** How many times the longest stored text a value may be. */
const GROWTH_MAX = 256;
const REGEX_CHARS_MAX = 1_000;
/** Wildcards of a LIKE that is not case-sensitive or has `_`: each multiplies the work by the text's length. */
const LIKE_PERCENTS_MAX = 3;
const LIKE_PLAIN_PERCENTS_MAX = 30;
/** A path with a wildcard gives many values, inner ones more than once. */
const WILDCARD_PATH_GROWTH = 16;
const GATHERED_GROWTH = 16;
const CTE_NAME = /^[a-z_][a-z0-9_]{0,62}$/i;
const RESERVED_NAME = /^(duckdb_|pg_|sqlite_|pragma_|information_schema|temp$|main$|system$)/i;

export type Tree = { readonly [key: string]: unknown };

export interface CheckedStatement {
  readonly tree: Tree;
  /** Which of our views it reads. */
  readonly views: ReadonlySet<string>;
  /** The names in it that may be columns of ours, in lower case; undefined: all may be. */
  readonly names: ReadonlySet<string> | undefined;
}

export interface KnownViews {
  readonly names: ReadonlySet<string>;
  /** In lower case. */
  readonly columns: ReadonlySet<string>;
}

interface Scope {
  /** The statement's own tables that are visible here, with the growth of what they hold. */
  readonly tables: ReadonlyMap<string, number>;
  /** The parameters of the lambda that this is in. */
  readonly parameters: ReadonlySet<string> | undefined;
  /** In the repeated part of a recursive query: what counts as its own result, which must not grow by more than it was. */
  readonly recursive: string | undefined;
  /** Names by which stored events are known here, and nothing else is. */
  readonly stored: ReadonlySet<string>;
}

/** Checks the answer of `json_serialize_sql`. Throws {@link SqlRefused}. */
export function checkStatement(serialized: string, known: KnownViews): CheckedStatement {
  const answer = JSON.parse(serialized) as Tree;
  if (answer['error'] === true) throw unparsed(answer);
  const statements = listOf(answer['statements']);
  if (statements.length === 0)
    throw new SqlRefused('sql-syntax', 'there is no statement', 'Write SELECT …, WITH … SELECT, or DESCRIBE events.');
  if (statements.length > 1)
    throw new SqlRefused('sql-refused', 'one statement at a time', 'Leave out what is behind the semicolon.');
  const tree = treeOf(statements[0]);
  const checker = createChecker(known);
  const growth = checker.visit(tree, {
    tables: new Map(),
    parameters: undefined,
    recursive: undefined,
    stored: new Set(),
  });
  if (growth > GROWTH_MAX) throw tooLong(undefined);
  return { tree, views: checker.views, names: checker.needsAll() ? undefined : checker.names };
}

function createChecker({ names: viewNames, columns }: KnownViews) {
  const views = new Set<string>();
  const names = new Set<string>();
  const aliases = new Set<string>();
  const alone = new Set<string>();
  let hasStar = false;

  /** Checks a value of the tree and all below; answers its growth: 0 for what is written out. */
  const visit = (value: unknown, scope: Scope): number => {
    if (typeof value === 'string') {
      names.add(value.toLowerCase());
      return 0;
    }
    if (Array.isArray(value)) return greatest(value.map((member) => visit(member, scope)));
    if (typeof value !== 'object' || value === null) return 0;
    const node = value as Tree;
    const kind = typeof node['class'] === 'string' ? node['class'] : undefined;
    const growth =
      kind !== undefined
        ? visitExpression(kind, node, scope)
        : typeof node['type'] === 'string'
          ? visitClause(node['type'], node, scope)
          : below(node, scope);
    if (growth > GROWTH_MAX) throw tooLong(placeOf(node));
    return growth;
  };

  const below = (node: Tree, scope: Scope, except: readonly string[] = []): number =>
    greatest(Object.entries(node).map(([key, value]) => (except.includes(key) ? 0 : visit(value, scope))));

  const visitExpression = (kind: string, node: Tree, scope: Scope): number => {
    switch (kind) {
      case 'CONSTANT':
        return 0;
      case 'COLUMN_REF':
        return visitColumn(node, scope);
      case 'FUNCTION':
        return visitFunction(node, scope);
      case 'WINDOW': {
        const called = calledOf(node);
        if (called.growth.kind === 'gathered') {
          const remedy = 'Use it with GROUP BY.';
          throw refusedAt(node, `${nameOf(node)} is not available as a window function`, remedy);
        }
        return below(node, scope);
      }
      case 'CAST': {
        const growth = below(node, scope);
        return isText(node['cast_type']) ? 2 * growth : growth;
      }
      case 'LAMBDA': {
        // Outside of a function that takes one, `a -> 'b'` is JSON's arrow.
        const path = treeOf(node['expr']);
        if (path['class'] !== 'CONSTANT') {
          const remedy = 'Lambdas are for list_transform and list_filter; behind -> of JSON stands a path in quotes.';
          throw refusedAt(node, 'a lambda cannot stand here', remedy);
        }
        return visit(node['lhs'], scope) * growthOfPath(path);
      }
      case 'STAR':
        hasStar = true;
        return Math.max(1, below(node, scope));
      case 'OPERATOR':
      case 'CONJUNCTION':
      case 'COMPARISON':
      case 'BETWEEN':
      case 'CASE':
      case 'COLLATE':
      case 'POSITIONAL_REFERENCE':
        if (!OPERATORS.has(textOf(node, 'type')) && kind === 'OPERATOR')
          throw refusedAt(node, `${textOf(node, 'type')} is not available`, REMEDY);
        return below(node, scope) || (kind === 'POSITIONAL_REFERENCE' ? 1 : 0);
      case 'SUBQUERY':
        if (scope.parameters !== undefined)
          throw refusedAt(node, 'a lambda may hold no subquery', 'Join the tables instead.');
        return below(node, scope);
      case 'PARAMETER':
        throw refusedAt(node, 'parameters ($1, ?) are not available', 'Write the value itself.');
      default:
        throw refusedAt(node, `${kind} is not available`, REMEDY);
    }
  };

  const visitColumn = (node: Tree, scope: Scope): number => {
    const parts = listOf(node['column_names']).map(String);
    for (const part of parts) names.add(part.toLowerCase());
    const first = (parts[0] ?? '').toLowerCase();
    if (parts.length === 1) alone.add(first);
    if (scope.parameters !== undefined && !scope.parameters.has(first)) {
      const remedy = 'Unnest the list, and join.';
      throw refusedAt(node, 'a lambda may use its own parameters only', remedy);
    }
    const second = (parts[1] ?? '').toLowerCase();
    return scope.recursive !== undefined && scope.stored.has(first) && columns.has(second) ? 0 : 1;
  };

  const visitFunction = (node: Tree, scope: Scope): number => {
    const called = calledOf(node);
    const children = listOf(node['children']).map(treeOf);
    checkConstant(node, called, children);
    const others = below(node, scope, ['children']);
    const growths = children.map((child, at) =>
      called.takesLambda === true && at === 1 ? visitLambda(node, child, scope) : visit(child, scope),
    );
    return Math.max(others, growthOf(called, growths, children));
  };

  const visitLambda = (call: Tree, node: Tree, scope: Scope): number => {
    if (node['class'] !== 'LAMBDA' || scope.parameters !== undefined) {
      const remedy = 'Write `x -> …`, without another lambda in it.';
      throw refusedAt(call, `the second argument of ${nameOf(call)} must be a lambda`, remedy);
    }
    const lhs = treeOf(node['lhs']);
    const parameters = (lhs['class'] === 'FUNCTION' ? listOf(lhs['children']).map(treeOf) : [lhs]).flatMap((one) =>
      listOf(one['column_names']).map((name) => String(name).toLowerCase()),
    );
    return Math.max(1, visit(node['expr'], { ...scope, parameters: new Set(parameters) }));
  };

  /** A query, a table or a part of one. */
  const visitClause = (type: string, node: Tree, scope: Scope): number => {
    switch (type) {
      case 'SELECT_NODE': {
        const inner = withTables(node, scope);
        const stored = new Set(inner.recursive === undefined ? [] : storedAliases(treeOf(node['from_table']), inner));
        const from = Math.max(1, visit(node['from_table'], inner));
        return from * Math.max(1, below(node, { ...inner, stored }, ['cte_map', 'from_table']));
      }
      case 'SET_OPERATION_NODE':
        return below(node, withTables(node, scope), ['cte_map']);
      case 'RECURSIVE_CTE_NODE': {
        const name = textOf(node, 'cte_name').toLowerCase();
        const left = visit(node['left'], scope);
        const tables = new Map([...scope.tables, [name, 1]]);
        const right = visit(node['right'], { ...scope, tables, recursive: name });
        if (right > 1) {
          const remedy =
            'Say which columns are stored ones (e."process.name"), join texts once in a step, and the rest outside of the recursion.';
          throw refusedAt(node, 'a text grows too fast in the recursive part', remedy);
        }
        below(node, scope, ['left', 'right']);
        return left;
      }
      case 'BASE_TABLE':
        return visitTable(node, scope);
      case 'TABLE_FUNCTION': {
        const call = treeOf(node['function']);
        const name = textOf(call, 'function_name');
        if (call['class'] !== 'FUNCTION' || !isTableFunction(name) || isQualified(call))
          throw refusedAt(call, `the table function ${name} is not available`, FROM_REMEDY);
        return Math.max(1, below(call, scope, ['class', 'type']), below(node, scope, ['function', 'type']));
      }
      case 'JOIN':
        if (node['ref_type'] === 'NATURAL') hasStar = true;
        return below(node, scope);
      case 'SHOW_REF':
        if (!isDescription(node)) throw refusedAt(node, 'this is not available', 'DESCRIBE events tells the columns.');
        return below(node, scope);
      default:
        if (!CLAUSES.has(type) && !type.endsWith('_TYPE_INFO'))
          throw refusedAt(node, `${type} is not available`, REMEDY);
        return checkedType(type, node, below(node, scope));
    }
  };

  const visitTable = (node: Tree, scope: Scope): number => {
    const table = textOf(node, 'table_name');
    const name = table.toLowerCase();
    const isOurs = viewNames.has(name);
    const own = scope.tables.get(name);
    if (textOf(node, 'schema_name') !== '' || textOf(node, 'catalog_name') !== '' || (own === undefined && !isOurs)) {
      const known = [...viewNames, ...scope.tables.keys()];
      const meant = nearest(name, known);
      const remedy = meant === undefined ? FROM_REMEDY : `Did you mean ${meant}?`;
      throw refusedAt(node, `there is no table ${qualified(node, table)}`, remedy);
    }
    if (node['at_clause'] !== undefined && node['at_clause'] !== null)
      throw refusedAt(node, 'AT is not available', REMEDY);
    below(node, scope);
    if (own !== undefined) return own;
    views.add(name);
    aliases.add(textOf(node, 'alias').toLowerCase() || name);
    if (listOf(node['column_name_alias']).length > 0) hasStar = true;
    return 1;
  };

  /** With the tables that a WITH names; each sees those before it. */
  const withTables = (node: Tree, scope: Scope): Scope => {
    const tables = new Map(scope.tables);
    for (const entry of listOf(treeOf(node['cte_map'])['map']).map(treeOf)) {
      const name = textOf(entry, 'key');
      if (!CTE_NAME.test(name) || RESERVED_NAME.test(name) || viewNames.has(name.toLowerCase())) {
        const remedy = 'Choose another name: letters, digits and _, and none of the tables there are.';
        throw new SqlRefused('sql-refused', `a table cannot be named ${name}`, remedy);
      }
      tables.set(name.toLowerCase(), Math.max(1, visit(entry['value'], { ...scope, tables: new Map(tables) })));
    }
    return { ...scope, tables };
  };

  /** By which names a FROM clause knows stored events. */
  const storedAliases = (from: Tree, scope: Scope): string[] => {
    if (from['type'] === 'JOIN')
      return [...storedAliases(treeOf(from['left']), scope), ...storedAliases(treeOf(from['right']), scope)];
    const name = textOf(from, 'table_name').toLowerCase();
    if (from['type'] !== 'BASE_TABLE' || scope.tables.has(name)) return [];
    return [textOf(from, 'alias').toLowerCase() || name];
  };

  /** `SELECT e FROM events e` is the whole row. */
  const needsAll = (): boolean => hasStar || [...aliases].some((alias) => alone.has(alias));

  return { visit, views, names, needsAll };
}

const REMEDY = 'docs/sql.md tells what there is.';
const FROM_REMEDY =
  'There are events, processes and connections, tables that the statement names itself (WITH), range and unnest.';

const OPERATORS: ReadonlySet<string> = new Set([
  'OPERATOR_NOT',
  'OPERATOR_IS_NULL',
  'OPERATOR_IS_NOT_NULL',
  'OPERATOR_COALESCE',
  'OPERATOR_NULLIF',
  'OPERATOR_TRY',
  'COMPARE_IN',
  'COMPARE_NOT_IN',
  'ARRAY_EXTRACT',
  'ARRAY_SLICE',
  'ARRAY_CONSTRUCTOR',
  'STRUCT_EXTRACT',
  'GROUPING_FUNCTION',
]);

const CLAUSES: ReadonlySet<string> = new Set([
  'SUBQUERY',
  'EXPRESSION_LIST',
  'EMPTY',
  'ORDER_MODIFIER',
  'LIMIT_MODIFIER',
  'LIMIT_PERCENT_MODIFIER',
  'DISTINCT_MODIFIER',
  'ASCENDING',
  'DESCENDING',
  'ORDER_DEFAULT',
]);

/** Types that are named in a cast. */
const TYPE_NAMES: ReadonlySet<string> = new Set(['json', 'text', 'varchar', 'string', 'hugeint', 'bignum', 'varint']);

function checkedType(type: string, node: Tree, growth: number): number {
  if (type === 'UNBOUND_TYPE_INFO' || type === 'USER_TYPE_INFO') {
    const name = textOf(node, 'name') || textOf(node, 'user_type_name');
    if (!TYPE_NAMES.has(name.toLowerCase()) || isQualified(node))
      throw new SqlRefused('sql-refused', `there is no type ${name}`, REMEDY);
  }
  if (type === 'ARRAY_TYPE_INFO' || type === 'EXTENSION_TYPE_INFO')
    throw new SqlRefused(
      'sql-refused',
      'lists of a fixed length are not available',
      'Write VARCHAR[] without a number.',
    );
  return growth;
}

function isText(type: unknown): boolean {
  const id = textOf(treeOf(type), 'id');
  if (id === 'BLOB' || id === 'BIT')
    throw new SqlRefused('sql-refused', `${id} is not available`, 'Text is VARCHAR here.');
  return id === 'VARCHAR' || id === 'UNBOUND' || id === 'USER';
}

/** The function of a call, or why it cannot be called. */
function calledOf(node: Tree): SqlFunction {
  const name = nameOf(node);
  // DuckDB's parser writes some of its own calls as `main.`.
  const schema = textOf(node, 'schema');
  const called = functionNamed(name);
  if (called === undefined || textOf(node, 'catalog') !== '' || (schema !== '' && schema !== 'main')) {
    const meant = nearest(name, FUNCTION_NAMES);
    const remedy = meant === undefined || meant === name ? REMEDY : `Did you mean ${meant}? ${REMEDY}`;
    throw refusedAt(node, `the function ${name} is not available`, remedy);
  }
  return called;
}

function growthOf(called: SqlFunction, growths: readonly number[], children: readonly Tree[]): number {
  const { growth } = called;
  const most = greatest(growths);
  switch (growth.kind) {
    case 'same':
      return called.constant?.as === 'path' ? most * growthOfPath(children[1]) : most;
    case 'sum':
      return growth.times * growths.reduce((sum, one) => sum + one, 0);
    case 'times':
      return growth.times * most;
    case 'product':
      return growths.reduce((product, one) => product * Math.max(1, one), 1);
    case 'counted':
      return Math.max(1, most) * (numberOf(children[growth.count]) ?? 1);
    case 'replaced':
      return most * (1 + (stringOf(children[growth.text]) ?? '').length);
    case 'gathered':
      return GATHERED_GROWTH * Math.max(1, most);
  }
}

function checkConstant(node: Tree, called: SqlFunction, children: readonly Tree[]): void {
  const name = nameOf(node);
  if (called.growth.kind === 'replaced' && stringOf(children[called.growth.text]) === undefined)
    throw refusedAt(node, `what ${name} puts in must be written out`, 'Write it in quotes.');
  if (name === 'regexp_extract' && children[2] !== undefined && numberOf(children[2]) === undefined)
    throw refusedAt(node, 'the group of regexp_extract must be a number', 'Call it once for each group.');
  const { constant } = called;
  const given = constant === undefined ? undefined : children[constant.at];
  if (constant === undefined || given === undefined) return;
  if (constant.as === 'count') {
    const count = numberOf(given);
    if (count !== undefined && count >= 0 && count <= COUNT_MAX) return;
    throw refusedAt(node, `the number of ${name} must be written out, and at most ${COUNT_MAX}`, REMEDY);
  }
  const text = stringOf(given);
  if (constant.as === 'path' && given['class'] === 'CONSTANT') return;
  if (text === undefined)
    throw refusedAt(node, `the ${WORDS[constant.as]} of ${name} must be written out`, 'Write it in quotes.');
  if (constant.as === 'regex' && text.length > REGEX_CHARS_MAX)
    throw refusedAt(node, `a regular expression is longer than ${REGEX_CHARS_MAX} characters`, 'Make it shorter.');
  if (constant.as === 'like') checkLike(node, name, text);
}

const WORDS = { regex: 'pattern', like: 'pattern', format: 'format', path: 'path', text: 'separator' } as const;

/** A case-sensitive LIKE without `_` is searched part by part; any other tries again from each place. */
function checkLike(node: Tree, name: string, pattern: string): void {
  const percents = pattern.split('%').length - 1;
  const isPlain = (name === '~~' || name === '!~~') && !pattern.includes('_');
  if (percents <= (isPlain ? LIKE_PLAIN_PERCENTS_MAX : LIKE_PERCENTS_MAX)) return;
  throw refusedAt(node, 'a LIKE pattern has too many wildcards', 'Use regexp_matches, whose time is linear.');
}

function growthOfPath(path: Tree | undefined): number {
  return /[*]/.test(stringOf(path) ?? '') ? WILDCARD_PATH_GROWTH : 1;
}

/** DESCRIBE or SUMMARIZE of a query; not the lists of databases, tables and settings. */
function isDescription(node: Tree): boolean {
  const isNamed = textOf(node, 'table_name') !== '' || isQualified(node) || textOf(node, 'schema_name') !== '';
  return (
    !isNamed &&
    ['DESCRIBE', 'SUMMARY'].includes(textOf(node, 'show_type')) &&
    textOf(treeOf(node['query']), 'type') !== ''
  );
}

function isQualified(node: Tree): boolean {
  return textOf(node, 'schema') !== '' || textOf(node, 'catalog') !== '' || textOf(node, 'catalog_name') !== '';
}

function qualified(node: Tree, table: string): string {
  return [textOf(node, 'catalog_name'), textOf(node, 'schema_name'), table].filter((part) => part !== '').join('.');
}

function unparsed(answer: Tree): SqlRefused {
  const message = textOf(answer, 'error_message');
  if (textOf(answer, 'error_type') === 'not implemented') {
    const remedy = 'Write SELECT …, WITH … SELECT, or DESCRIBE events. Nothing can be changed here.';
    return new SqlRefused('sql-refused', 'only SELECT can be run here', remedy);
  }
  const at = Number(textOf(answer, 'position'));
  return new SqlRefused('sql-syntax', message, 'Correct it there.', Number.isSafeInteger(at) ? at : undefined);
}

function tooLong(at: number | undefined): SqlRefused {
  const message = 'a text could become too long here';
  return new SqlRefused('sql-refused', message, 'Join fewer texts, in fewer steps.', at);
}

function refusedAt(node: Tree, message: string, remedy: string): SqlRefused {
  return new SqlRefused('sql-refused', message, remedy, placeOf(node));
}

function placeOf(node: Tree): number | undefined {
  const at = node['query_location'];
  return typeof at === 'number' && Number.isSafeInteger(at) ? at : undefined;
}

function nameOf(node: Tree): string {
  return textOf(node, 'function_name').toLowerCase();
}

function greatest(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => Math.max(a, b), 0);
}

export function treeOf(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(node: Tree, key: string): string {
  const value = node[key];
  return typeof value === 'string' ? value : '';
}

function stringOf(node: Tree | undefined): string | undefined {
  const value = node?.['class'] === 'CONSTANT' ? treeOf(node['value'])['value'] : undefined;
  return typeof value === 'string' ? value : undefined;
}

function numberOf(node: Tree | undefined): number | undefined {
  const value = node?.['class'] === 'CONSTANT' ? treeOf(node['value'])['value'] : undefined;
  return typeof value === 'number' ? value : undefined;
}
