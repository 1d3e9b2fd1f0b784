// The condition of a Sigma rule: names of detections with `and`, `or`, `not`, parentheses and `1 of …`, `all of …`, in the
// precedence of the specification (of, not, and, or).

/** `offset` is in the condition's text. */
export type Condition =
  | { readonly kind: 'name'; readonly name: string; readonly offset: number }
  | {
      readonly kind: 'of';
      readonly quantity: 'one' | 'all';
      /** `them`, or names with `*`. */
      readonly pattern: string;
      readonly offset: number;
    }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] };

export interface ConditionProblem {
  readonly offset: number;
  readonly message: string;
  readonly remedy: string;
}

/** Longer conditions, or deeper ones, are refused. */
const LENGTH_MAX = 10_000;
const DEPTH_MAX = 50;

interface Token {
  readonly text: string;
  readonly offset: number;
}

interface Reader {
  readonly tokens: readonly Token[];
  readonly end: number;
  at: number;
  depth: number;
}

class Wrong extends Error {
  readonly problem: ConditionProblem;
  constructor(problem: ConditionProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

export function parseCondition(
  source: string,
): Condition | { readonly kind: 'wrong'; readonly problem: ConditionProblem } {
  try {
    if (source.length > LENGTH_MAX) throw wrong(0, `longer than ${LENGTH_MAX} characters`, 'Use `1 of name_*`.');
    const reader: Reader = { tokens: tokensOf(source), end: source.length, at: 0, depth: 0 };
    const condition = readChain(reader, 'or');
    const left = reader.tokens[reader.at];
    if (left !== undefined) throw wrong(left.offset, `\`${left.text}\` is not expected here`, EXPECTED);
    return condition;
  } catch (error) {
    if (error instanceof Wrong) return { kind: 'wrong', problem: error.problem };
    throw error;
  }
}

const EXPECTED = 'A condition is made of names of detections, and, or, not, parentheses, `1 of name_*`, `all of them`.';
const TOKEN = /\s*([()]|[A-Za-z0-9_*?.-]+)|\s+$/y;

function tokensOf(source: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < source.length) {
    const from = TOKEN.lastIndex;
    const match = TOKEN.exec(source);
    if (match === null) throw unexpected(source, from);
    const [whole, text] = match;
    if (text !== undefined) tokens.push({ text, offset: from + whole.length - text.length });
  }
  return tokens;
}

function unexpected(source: string, from: number): Wrong {
  const offset = from + (/^\s*/.exec(source.slice(from))?.[0].length ?? 0);
  if (source[offset] === '|') {
    const remedy = 'Aggregations were taken out of Sigma: write a correlation rule (event_count, value_count, …).';
    return wrong(offset, 'aggregations behind `|` are not part of Sigma any more', remedy);
  }
  return wrong(offset, `\`${source[offset] ?? ''}\` is not expected here`, EXPECTED);
}

function wrong(offset: number, message: string, remedy: string): Wrong {
  return new Wrong({ offset, message, remedy });
}

function readChain(reader: Reader, operator: 'and' | 'or'): Condition {
  const readPart = (): Condition => (operator === 'or' ? readChain(reader, 'and') : readNot(reader));
  const of = [readPart()];
  while (isWord(reader, operator)) {
    reader.at += 1;
    of.push(readPart());
  }
  const [only] = of;
  return only !== undefined && of.length === 1 ? only : { kind: operator, of };
}

function readNot(reader: Reader): Condition {
  if (!isWord(reader, 'not')) return readOperand(reader);
  const offset = reader.tokens[reader.at]?.offset ?? 0;
  reader.at += 1;
  return { kind: 'not', of: deeper(reader, offset, readNot) };
}

function readOperand(reader: Reader): Condition {
  const token = reader.tokens[reader.at];
  if (token === undefined) throw wrong(Math.max(0, reader.end - 1), 'the condition ends too early', EXPECTED);
  reader.at += 1;
  const { text, offset } = token;
  if (text === '(') {
    const inner = deeper(reader, offset, (of) => readChain(of, 'or'));
    if (reader.tokens[reader.at]?.text !== ')') throw wrong(offset, 'this parenthesis is not closed', 'Add a `)`.');
    reader.at += 1;
    return inner;
  }
  if (isWord(reader, 'of')) return readOf(reader, token);
  if (text === ')' || /^(?:and|or|not|of|near)$/i.test(text)) {
    throw wrong(offset, `\`${text}\` is not expected here`, EXPECTED);
  }
  if (!/^[A-Za-z0-9_.-]+$/.test(text)) {
    throw wrong(offset, `\`${text}\` names several detections`, `Write \`1 of ${text}\` or \`all of ${text}\`.`);
  }
  return { kind: 'name', name: text, offset };
}

function readOf(reader: Reader, { text, offset }: Token): Condition {
  const word = text.toLowerCase();
  const quantity = word === '1' || word === 'any' ? 'one' : word === 'all' ? 'all' : undefined;
  if (quantity === undefined) {
    throw wrong(offset, `\`${text} of\` is no part of Sigma`, 'Write `1 of …` or `all of …`.');
  }
  reader.at += 1;
  const pattern = reader.tokens[reader.at];
  if (pattern === undefined || !/^[A-Za-z0-9_*?.-]+$/.test(pattern.text)) {
    throw wrong(pattern?.offset ?? offset, '`of` wants names', 'Write `1 of name_*` or `1 of them`.');
  }
  reader.at += 1;
  return { kind: 'of', quantity, pattern: pattern.text, offset };
}

function deeper(reader: Reader, offset: number, read: (reader: Reader) => Condition): Condition {
  reader.depth += 1;
  if (reader.depth > DEPTH_MAX) throw wrong(offset, 'the condition is nested too deeply', 'Use fewer parentheses.');
  const condition = read(reader);
  reader.depth -= 1;
  return condition;
}

function isWord(reader: Reader, word: string): boolean {
  return reader.tokens[reader.at]?.text.toLowerCase() === word;
}

/** The names that an `of` means. `them` are all that do not begin with an underscore. */
export function namesOf(pattern: string, names: readonly string[]): readonly string[] {
  if (pattern.toLowerCase() === 'them') return names.filter((name) => !name.startsWith('_'));
  const parts = pattern.split('*').map((part) => part.replace(/[.?-]/g, '\\$&'));
  // At most so many stars that a name of any length is looked at quickly.
  if (parts.length > 10) return [];
  const expression = new RegExp(`^${parts.join('.*')}$`);
  return names.filter((name) => name.length < 200 && expression.test(name));
}
