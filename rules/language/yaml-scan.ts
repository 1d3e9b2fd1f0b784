// A look at a file before the YAML parser sees it: that parser calls itself for each bracket and each `- `, so that a quarter of a
// megabyte of them holds it for a second. Counted line by line; texts in quotes and blocks (`|`, `>`) are passed over.

/** More open brackets at once than any rule has, and more `- - -` on a line. */
const OPEN_MAX = 100;

/** True when brackets or list marks nest deeper than a rule can mean. */
export function isNestedTooDeeply(text: string): boolean {
  if (hasFewMarks(text)) return false;
  let open = 0;
  let blockIndent: number | undefined;
  for (const line of text.split('\n')) {
    const indent = line.length - line.trimStart().length;
    if (blockIndent !== undefined && (line.trim() === '' || indent > blockIndent)) continue;
    blockIndent = undefined;
    if (indent === 0) open = 0;
    if (/^\s*(?:[-?]\s+){100}/.test(line)) return true;
    const plain = line.replace(/"(?:\\.|[^"\\])*"|'[^']*'/g, '""').replace(/(?:^|\s)#.*$/, '');
    for (const character of plain) {
      if (character === '[' || character === '{') open += 1;
      else if ((character === ']' || character === '}') && open > 0) open -= 1;
      if (open > OPEN_MAX) return true;
    }
    if (open === 0 && /[|>][-+0-9]*\s*$/.test(plain)) blockIndent = indent;
  }
  return false;
}

/** Most files: not enough brackets and list marks in all of it. */
function hasFewMarks(text: string): boolean {
  let marks = 0;
  for (let at = 0; at < text.length && marks < OPEN_MAX; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BRACKET || code === BRACE || code === DASH || code === QUESTION) marks += 1;
  }
  return marks < OPEN_MAX;
}

const [BRACKET, BRACE, DASH, QUESTION] = [0x5b, 0x7b, 0x2d, 0x3f];
