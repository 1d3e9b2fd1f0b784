// A look at an expression's text before the official parser sees it. That parser calls itself for each bracket and copies what
// stands left of `?:` and `??`, so that a short text can hold it for seconds; here both are counted in one pass.

/** The deepest nesting of brackets. */
const NESTING_MAX = 150;
/** Characters that the parser would see with the left sides of `?:` and `??` copied. */
const WEIGHT_MAX = 65_536;

interface Group {
  /** Characters so far, copies counted in. */
  weight: number;
  /** Of them, those that a `?:` here would copy. */
  left: number;
}

/** What makes the text too much for the parser, or undefined. */
export function tooMuch(source: string): 'nesting' | 'copies' | undefined {
  if (isSmall(source)) return undefined;
  const groups: Group[] = [{ weight: 0, left: 0 }];
  let isOperand = true;
  let at = 0;
  while (at < source.length) {
    const token = tokenAt(source, at, isOperand);
    const group = groups.at(-1) as Group;
    group.weight += token.length;
    group.left += token.length;
    const first = token[0] ?? '';
    if ('([{'.includes(first)) {
      if (groups.length > NESTING_MAX) return 'nesting';
      groups.push({ weight: 0, left: 0 });
    } else if (')]}'.includes(first) && groups.length > 1) {
      const inner = groups.pop() as Group;
      const outer = groups.at(-1) as Group;
      outer.weight += inner.weight;
      outer.left += inner.weight;
    } else if (token === '?:' || token === '??') {
      group.weight += group.left;
      group.left = 0;
    } else if (',;:'.includes(first)) {
      group.left = 0;
    }
    if ((groups[0]?.weight ?? 0) + group.weight > WEIGHT_MAX) return 'copies';
    if (!/^\s|^\/\*/.test(token)) isOperand = !/^[\w$"'`)\]}%*.\u0080-\uffff/]/.test(token) || isWord(token);
    at += token.length;
  }
  return undefined;
}

/** Most expressions: too few brackets to nest, nothing that copies. */
function isSmall(source: string): boolean {
  if (source.length > WEIGHT_MAX / 2 || source.includes('?:') || source.includes('??')) return false;
  let brackets = 0;
  for (let at = 0; at < source.length && brackets <= NESTING_MAX; at += 1) {
    const code = source.charCodeAt(at);
    if (code === PARENTHESIS || code === BRACKET || code === BRACE) brackets += 1;
  }
  return brackets <= NESTING_MAX;
}

const [PARENTHESIS, BRACKET, BRACE] = [0x28, 0x5b, 0x7b];

/** An operator written as a word; a `/` behind it begins a regular expression. */
function isWord(token: string): boolean {
  return token === 'and' || token === 'or' || token === 'in';
}

const TOKENS = {
  comment: /\/\*[\s\S]*?(?:\*\/|$)/y,
  text: /"(?:\\[\s\S]|[^"\\])*"?|'(?:\\[\s\S]|[^'\\])*'?|`[^`]*`?/y,
  regex: /\/(?:\\[\s\S]|\[(?:\\[\s\S]|[^\]\\\n])*\]|[^\\/\n])*\/?/y,
  defaulting: /\?[:?]/y,
  word: /[\w$\u0080-\uffff]+/y,
  space: /\s+/y,
} as const;

function tokenAt(source: string, at: number, isOperand: boolean): string {
  const kinds = isOperand
    ? (['space', 'comment', 'text', 'regex', 'word', 'defaulting'] as const)
    : (['space', 'comment', 'text', 'defaulting', 'word'] as const);
  for (const kind of kinds) {
    const pattern = TOKENS[kind];
    pattern.lastIndex = at;
    const [token] = pattern.exec(source) ?? [];
    if (token !== undefined && token !== '') return token;
  }
  return source[at] ?? ' ';
}
