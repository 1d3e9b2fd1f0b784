// Conditions and values of EQL: `not` binds tightest, then `and`, then `or`; comparisons do not follow each other.
import { visible } from '../diagnostic.ts';
import { type Comparison, EqlProblem, type Expression, type PatternOperator } from './syntax.ts';
import { type Token, tokensOf } from './tokens.ts';

const DEPTH_MAX = 64;
const ARGUMENTS_MAX = 1_000;
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const KEYWORDS: ReadonlySet<string> = new Set([
  ...['and', 'any', 'by', 'false', 'fork', 'in', 'in~', 'join', 'like', 'maxspan', 'not', 'null', 'of', 'or', 'regex'],
  ...['sequence', 'true', 'until', 'where', 'with'],
]);

export interface Parser {
  peek(ahead?: number): Token;
  next(): Token;
  /** Takes a word or sign where it stands here. */
  take(text: string): boolean;
  need(text: string, remedy: string): void;
  /** A dotted name. */
  field(): string;
}

export function parserOf(source: string): Parser {
  const tokens = tokensOf(source);
  const end: Token = { kind: 'end', text: '', at: source.length, end: source.length };
  let place = 0;
  const parser: Parser = {
    peek: (ahead = 0) => tokens[place + ahead] ?? end,
    next: () => {
      const token = parser.peek();
      place += 1;
      return token;
    },
    take: (text) => {
      const { kind, text: here } = parser.peek();
      if (here !== text || (kind !== 'word' && kind !== 'sign')) return false;
      place += 1;
      return true;
    },
    need: (text, remedy) => {
      if (!parser.take(text)) throw new EqlProblem(parser.peek().at, `\`${text}\` is expected here`, remedy);
    },
    field: () => {
      const parts: string[] = [];
      do {
        const { kind, text, at } = parser.next();
        if ((kind !== 'word' && kind !== 'name') || (parts.length === 0 && kind === 'word' && KEYWORDS.has(text))) {
          throw new EqlProblem(at, 'a field is expected here', 'Write its name; other characters in backticks.');
        }
        parts.push(text);
      } while (parser.take('.'));
      return parts.join('.');
    },
  };
  return parser;
}

export function readExpression(parser: Parser, depth = 0): Expression {
  return readJoined(parser, 'or', depth);
}

function readJoined(parser: Parser, operator: 'and' | 'or', depth: number): Expression {
  const { at } = parser.peek();
  if (depth > DEPTH_MAX) throw new EqlProblem(at, `it nests deeper than ${DEPTH_MAX}`, 'Simplify the query.');
  const read = (): Expression => (operator === 'or' ? readJoined(parser, 'and', depth) : readNot(parser, depth));
  const of = [read()];
  while (parser.take(operator)) of.push(read());
  const [only] = of;
  return only !== undefined && of.length === 1 ? only : { kind: operator, at, of };
}

function readNot(parser: Parser, depth: number): Expression {
  const { at } = parser.peek();
  let isNot = false;
  let nots = 0;
  while (parser.take('not')) {
    isNot = !isNot;
    nots += 1;
    if (nots > DEPTH_MAX) throw new EqlProblem(at, `it nests deeper than ${DEPTH_MAX}`, 'Simplify the query.');
  }
  const of = readComparison(parser, depth);
  return isNot ? { kind: 'not', at, of } : of;
}

function readComparison(parser: Parser, depth: number): Expression {
  const left = readSum(parser, depth);
  const { text, kind, at } = parser.peek();
  if (kind === 'sign' && COMPARISONS.has(text)) {
    parser.next();
    return { kind: 'compare', at: left.at, operator: text as Comparison, left, right: readSum(parser, depth) };
  }
  if (kind === 'sign' && text === '=') {
    throw new EqlProblem(at, '`=` compares nothing', 'Write `==`, or `:` to compare without regard to case.');
  }
  const isNot = text === 'not' && kind === 'word' && parser.peek(1).text === 'in';
  if (isNot) parser.next();
  const operator = patternOperator(parser);
  if (operator === undefined) return left;
  const isList = operator.operator === 'in' || parser.peek().text === '(';
  const values = isList ? readArguments(parser, depth) : [readSum(parser, depth)];
  const pattern: Expression = { kind: 'pattern', at: left.at, ...operator, left, values };
  return isNot ? { kind: 'not', at: left.at, of: pattern } : pattern;
}

function patternOperator(parser: Parser): { operator: PatternOperator; isFolded: boolean } | undefined {
  const { text, kind, end } = parser.peek();
  if (kind === 'sign' && text === ':') {
    parser.next();
    return { operator: 'like', isFolded: true };
  }
  if (kind !== 'word' || (text !== 'in' && text !== 'like' && text !== 'regex')) return undefined;
  parser.next();
  const isFolded = parser.peek().at === end && parser.take('~');
  return { operator: text, isFolded };
}

function readArguments(parser: Parser, depth: number): readonly Expression[] {
  parser.need('(', 'Write the values in parentheses.');
  const values: Expression[] = [];
  if (!parser.take(')')) {
    do values.push(readExpression(parser, depth + 1));
    while (parser.take(','));
    parser.need(')', 'Close the parenthesis.');
  }
  const { at } = parser.peek();
  if (values.length > ARGUMENTS_MAX) throw new EqlProblem(at, `more than ${ARGUMENTS_MAX} values`, 'Split the query.');
  return values;
}

function readSum(parser: Parser, depth: number): Expression {
  let left = readProduct(parser, depth);
  for (let links = 0; ; links += 1) {
    const operator = parser.take('+') ? '+' : parser.take('-') ? '-' : undefined;
    if (operator === undefined) return left;
    if (links > DEPTH_MAX) throw new EqlProblem(left.at, `more than ${DEPTH_MAX} sums`, 'Simplify the query.');
    left = { kind: 'arithmetic', at: left.at, operator, left, right: readProduct(parser, depth) };
  }
}

function readProduct(parser: Parser, depth: number): Expression {
  let left = readSigned(parser, depth);
  for (let links = 0; ; links += 1) {
    const operator = parser.take('*') ? '*' : parser.take('/') ? '/' : parser.take('%') ? '%' : undefined;
    if (operator === undefined) return left;
    if (links > DEPTH_MAX) throw new EqlProblem(left.at, `more than ${DEPTH_MAX} products`, 'Simplify the query.');
    left = { kind: 'arithmetic', at: left.at, operator, left, right: readSigned(parser, depth) };
  }
}

function readSigned(parser: Parser, depth: number): Expression {
  const { at } = parser.peek();
  if (depth > DEPTH_MAX) throw new EqlProblem(at, `it nests deeper than ${DEPTH_MAX}`, 'Simplify the query.');
  if (parser.take('+')) return readSigned(parser, depth + 1);
  if (!parser.take('-')) return readPrimary(parser, depth);
  const of = readSigned(parser, depth + 1);
  if (of.kind === 'literal' && typeof of.value === 'number') return { ...of, at, value: -of.value };
  return { kind: 'negative', at, of };
}

const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

function readPrimary(parser: Parser, depth: number): Expression {
  const { kind, text, at, end } = parser.peek();
  if (kind === 'text') {
    parser.next();
    return { kind: 'literal', at, value: text, isDecimal: false };
  }
  if (kind === 'number') {
    parser.next();
    return { kind: 'literal', at, value: numberOf(text, at), isDecimal: /[.eE]/.test(text) };
  }
  if (parser.take('(')) {
    const inner = readExpression(parser, depth + 1);
    parser.need(')', 'Close the parenthesis.');
    return inner;
  }
  const constant = kind === 'word' ? CONSTANTS.get(text) : undefined;
  if (constant !== undefined) {
    parser.next();
    return { kind: 'literal', at, value: constant, isDecimal: false };
  }
  if (parser.take('?')) return { kind: 'field', at, name: parser.field() };
  if (kind === 'end') throw new EqlProblem(at, 'the query ends too early', 'Write what is to be compared.');
  if (kind === 'word' && isCall(parser, end)) {
    parser.next();
    const isFolded = parser.take('~');
    return { kind: 'call', at, name: text, isFolded, args: readArguments(parser, depth) };
  }
  if (kind === 'sign') {
    throw new EqlProblem(at, `\`${visible(text)}\` is not expected here`, 'Write a field, a value or a function.');
  }
  return { kind: 'field', at, name: parser.field() };
}

function isCall(parser: Parser, end: number): boolean {
  const after = parser.peek(1);
  return after.text === '(' || (after.text === '~' && after.at === end && parser.peek(2).text === '(');
}

function numberOf(text: string, at: number): number {
  const value = Number(text);
  if (Number.isFinite(value)) return value;
  throw new EqlProblem(at, `\`${visible(text)}\` is too large a number`, 'Write a smaller one.');
}
