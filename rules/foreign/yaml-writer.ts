// Plain data → YAML text that people like to read and that reads back equal, whatever the texts in it hold.
import type { PlainValue } from './foreign-rule.ts';

const INDENT = '  ';
/** Lists of short plain values stand on one line up to this width. */
const LINE_MAX = 110;

/** A document of a map, without `---`, ending with a newline. */
export function writeYaml(value: { readonly [key: string]: PlainValue }): string {
  return Object.keys(value).length === 0 ? '{}\n' : `${lines(value, '').join('\n')}\n`;
}

/** The lines of a value that stands below its key, each with its indent. */
function lines(value: PlainValue, indent: string): readonly string[] {
  if (isList(value)) {
    return value.flatMap((item) => {
      const [first = '', ...rest] = entryLines('', item, `${indent}${INDENT}`);
      return [`${indent}- ${first.trimStart()}`, ...rest];
    });
  }
  if (isMap(value)) return Object.entries(value).flatMap(([key, of]) => entryLines(`${scalar(key)}:`, of, indent));
  return [`${indent}${scalar(value)}`];
}

/** `head` with its value behind or below it; of a list's member `head` is empty. */
function entryLines(head: string, value: PlainValue, indent: string): readonly string[] {
  const start = head === '' ? indent : `${indent}${head} `;
  if (isList(value) || isMap(value)) {
    const flat = flow(value);
    // What is empty has no other form, however long the line is.
    const isEmpty = flat === '{}' || flat === '[]';
    if (flat !== undefined && (isEmpty || start.length + flat.length <= LINE_MAX)) return [`${start}${flat}`];
    if (head === '') return lines(value, indent);
    return [`${indent}${head}`, ...lines(value, `${indent}${INDENT}`)];
  }
  const block = typeof value === 'string' ? blockOf(value) : undefined;
  if (block === undefined) return [`${start}${scalar(value)}`];
  const inner = head === '' ? indent : `${indent}${INDENT}`;
  return [`${start}${block.header}`, ...block.lines.map((line) => (line === '' ? '' : `${inner}${line}`))];
}

/** On one line: what is empty, and lists of plain values. */
function flow(value: readonly PlainValue[] | { readonly [key: string]: PlainValue }): string | undefined {
  if (!isList(value)) return Object.keys(value).length === 0 ? '{}' : undefined;
  const isPlain = value.every((item) => !isList(item) && !isMap(item) && blockOf(item) === undefined);
  return isPlain ? `[${value.map((item) => scalar(item)).join(', ')}]` : undefined;
}

/** A text of several lines as a literal block, if one says it exactly. */
function blockOf(value: PlainValue): { readonly header: string; readonly lines: readonly string[] } | undefined {
  if (typeof value !== 'string' || !value.trimEnd().includes('\n') || !BLOCK.test(value)) return undefined;
  const isEnded = value.endsWith('\n');
  const body = isEnded ? value.slice(0, -1) : value;
  if (/^[\s]|[ \t](\n|$)|\n$/.test(body)) return undefined;
  return { header: isEnded ? '|' : '|-', lines: body.split('\n') };
}

/** Printable, and no line end but `\n`. */
const BLOCK = /^[\n\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/;
/** Printable, on one line. */
const SINGLE = /^[\u0020-\u007e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]*$/;
/** Texts that YAML reads as themselves without quotes. */
const PLAIN = /^[A-Za-z/][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./(-][A-Za-z0-9_./()-]*)*$/;
/** Addresses and UUIDs, which none takes for anything else. */
const TELLING = /^(?:https?:\/\/[A-Za-z0-9_.~%/?=&@+-]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
/** What some reader of YAML takes for a truth or for nothing. */
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
const NOT_PRINTABLE = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g;

function scalar(value: PlainValue): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  if ((PLAIN.test(value) && !WORDS.test(value)) || TELLING.test(value)) return value;
  // Expressions are full of quotes.
  if (/["\\]/.test(value) && SINGLE.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return JSON.stringify(value).replace(
    NOT_PRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function isList(value: PlainValue): value is readonly PlainValue[] {
  return Array.isArray(value);
}

function isMap(value: PlainValue): value is { readonly [key: string]: PlainValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
