// The search language: `process.name:bash AND NOT user.name:root`, after Lucene. The clauses are read by scan-clauses.ts, the
// structure of and/or/not and parentheses by liqe. AND binds tighter than OR; two clauses side by side mean AND.
import { parse as parseStructure } from 'liqe';
import type { Diagnostic } from '../../rules/diagnostic.ts';
import { isExpression, leavesOf } from './clause-query.ts';
import type { QueryProblem } from './clause-value.ts';
import type { Query } from './query.ts';
import { scanClauses, type Token } from './scan-clauses.ts';
import { warnOfSql } from './slips.ts';

export type ParsedQuery =
  /** `warnings`: what is probably not meant as it was read. */
  | { readonly ok: true; readonly query: Query; readonly warnings: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostic: Diagnostic };

/** The longest query, characters. */
export const QUERY_CHARS_MAX = 4096;
/** The most clauses of a query. */
export const QUERY_CLAUSES_MAX = 128;
/** The most regular expressions of a query: each may look at every character of a long value some hundred times. */
export const QUERY_EXPRESSIONS_MAX = 16;
/** The deepest nesting of parentheses. */
export const QUERY_DEPTH_MAX = 32;
/** Further warnings are not made. */
const WARNINGS_MAX = 8;

/**
 * Reads a query. Empty text means all events. Never throws; `diagnostic.column` is where it went wrong. `nowMs` is what `now`
 * stands for.
 */
export function parseQuery(text: string, nowMs: number): ParsedQuery {
  if (text.length > QUERY_CHARS_MAX) {
    return refused('', {
      code: 'query/long',
      at: 0,
      message: `a query has at most ${QUERY_CHARS_MAX} characters, and this has ${text.length}`,
      remedy: 'Split it into several.',
    });
  }
  const warnings = new Map<string, Diagnostic>();
  const warn = (problem: QueryProblem): void => {
    if (warnings.size < WARNINGS_MAX)
      warnings.set(`${problem.code} ${problem.at}`, diagnosticOf(text, problem, 'warning'));
  };
  warnOfSql(text, warn);
  const scan = scanClauses(text, { nowMs, warn });
  if (!scan.ok) return refused(text, scan.problem);
  if (scan.tokens.length === 0) return { ok: true, query: { kind: 'all' }, warnings: [] };
  const written = explicit(scan.tokens, text.length);
  if (!written.ok) return refused(text, written.problem);
  const query = toQuery(parseStructure(written.text) as Structure, written.clauses);
  return { ok: true, query, warnings: [...warnings.values()] };
}

type Explicit =
  | { readonly ok: true; readonly text: string; readonly clauses: readonly Query[] }
  | { readonly ok: false; readonly problem: QueryProblem };

/** The tokens as text for liqe: a name (`t0`, `t1`, …) for each clause, every AND written out, no double NOT. */
function explicit(tokens: readonly Token[], end: number): Explicit {
  const problem = (code: string, at: number, message: string, remedy: string): Explicit => ({
    ok: false,
    problem: { code: `query/${code}`, at, message, remedy },
  });
  const words: string[] = [];
  const clauses: Query[] = [];
  const opens: number[] = [];
  const plus = tokens.find(({ kind }) => kind === 'require');
  if (plus !== undefined && tokens.some(({ kind }) => kind === 'or'))
    return problem('plus', plus.at, '`+` beside OR says two things', 'Leave it out, and join clauses with AND and OR.');
  let leaves = 0;
  let expressions = 0;
  let isAfterOperand = false;
  let isNegated = false;
  for (const token of tokens) {
    const startsOperand = token.kind === 'clause' || token.kind === 'open' || token.kind === 'not';
    // Clauses side by side are all required anyway.
    if (token.kind === 'require') continue;
    if (startsOperand && isAfterOperand) words.push('AND');
    if (token.kind === 'not') {
      isNegated = !isNegated;
      isAfterOperand = false;
      continue;
    }
    if (isNegated) {
      if (!startsOperand) return problem('operand', token.at, 'NOT stands before nothing', 'Put a clause after it.');
      words.push('NOT');
      isNegated = false;
    }
    switch (token.kind) {
      case 'clause':
        leaves += leavesOf(token.query);
        if (leaves > QUERY_CLAUSES_MAX) {
          return problem(
            'clauses',
            token.at,
            `a query has at most ${QUERY_CLAUSES_MAX} clauses`,
            'Split it into several.',
          );
        }
        if (isExpression(token.query) && ++expressions > QUERY_EXPRESSIONS_MAX) {
          return problem(
            'expressions',
            token.at,
            `a query has at most ${QUERY_EXPRESSIONS_MAX} regular expressions`,
            'Say it with one of them (a|b), or with wildcards.',
          );
        }
        words.push(`t${clauses.length}`);
        clauses.push(token.query);
        isAfterOperand = true;
        break;
      case 'open':
        if (opens.length === QUERY_DEPTH_MAX) {
          return problem('depth', token.at, `parentheses nest at most ${QUERY_DEPTH_MAX} deep`, 'Simplify the query.');
        }
        opens.push(token.at);
        words.push('(');
        isAfterOperand = false;
        break;
      case 'close':
        if (opens.pop() === undefined)
          return problem('parenthesis', token.at, 'nothing is open here', 'Remove the parenthesis.');
        if (!isAfterOperand) return problem('operand', token.at, 'a clause is missing before `)`', 'Put one there.');
        words.push(')');
        break;
      case 'and':
      case 'or':
        if (!isAfterOperand) {
          return problem(
            'operand',
            token.at,
            `${token.kind.toUpperCase()} stands after nothing`,
            'Put a clause before it.',
          );
        }
        words.push(token.kind.toUpperCase());
        isAfterOperand = false;
        break;
    }
  }
  if (isNegated || !isAfterOperand)
    return problem('operand', end, 'the query ends too early', 'Put a clause after the last operator.');
  const unclosed = opens.at(-1);
  if (unclosed !== undefined)
    return problem('parenthesis', unclosed, 'this parenthesis is never closed', 'Close it with `)`.');
  return { ok: true, text: words.join(' '), clauses };
}

/** What liqe makes of the text of `explicit`. */
type Structure =
  | { readonly type: 'Tag'; readonly expression: { readonly value: string } }
  | { readonly type: 'ParenthesizedExpression'; readonly expression: Structure }
  | { readonly type: 'UnaryOperator'; readonly operand: Structure }
  | {
      readonly type: 'LogicalExpression';
      readonly operator: { readonly operator: 'AND' | 'OR' };
      readonly left: Structure;
      readonly right: Structure;
    };

function toQuery(node: Structure, clauses: readonly Query[]): Query {
  switch (node.type) {
    case 'Tag': {
      const clause = clauses[Number(node.expression.value.slice(1))];
      if (clause === undefined) throw new Error('the structure names a clause that was not written');
      return clause;
    }
    case 'ParenthesizedExpression':
      return toQuery(node.expression, clauses);
    case 'UnaryOperator':
      return { kind: 'not', query: toQuery(node.operand, clauses) };
    case 'LogicalExpression': {
      // liqe reads strictly from left to right; here the chain is cut at its ORs first.
      const alternatives: Query[][] = [[]];
      for (const { operator, operand } of chainOf(node)) {
        if (operator === 'OR') alternatives.push([]);
        alternatives.at(-1)?.push(toQuery(operand, clauses));
      }
      return joined(
        'or',
        alternatives.map((members) => joined('and', members)),
      );
    }
  }
}

interface Link {
  readonly operator: 'AND' | 'OR' | undefined;
  readonly operand: Structure;
}

function chainOf(node: Structure): Link[] {
  const links: Link[] = [];
  let current = node;
  while (current.type === 'LogicalExpression') {
    links.unshift({ operator: current.operator.operator, operand: current.right });
    current = current.left;
  }
  links.unshift({ operator: undefined, operand: current });
  return links;
}

function joined(kind: 'and' | 'or', members: readonly Query[]): Query {
  return members.reduce((left, right) => ({ kind, left, right }));
}

function refused(text: string, problem: QueryProblem): ParsedQuery {
  return { ok: false, diagnostic: diagnosticOf(text, problem, 'error') };
}

function diagnosticOf(text: string, problem: QueryProblem, severity: 'error' | 'warning'): Diagnostic {
  const { code, at, message, remedy } = problem;
  const sourceLine = text.replace(/[\r\n]/g, ' ');
  return { code, severity, message, remedy, file: 'query', line: 1, column: at + 1, sourceLine };
}
