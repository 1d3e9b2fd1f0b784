// Expressions as text, made of parts so that nothing which a foreign file holds can become syntax: texts are always literals, names
// are always paths. What is made here is read by rules/expression/parse.ts like any other expression.

/** An expression, and how tightly it holds together; made by the functions of this file only. */
export interface Written {
  readonly text: string;
  readonly binds: 'or' | 'and' | 'operand';
}

const NEVER: Written = { text: 'false', binds: 'operand' };
const ALWAYS: Written = { text: 'true', binds: 'operand' };

/** A literal: any text, number, truth or null. Numbers must be finite. */
export function literal(value: string | number | boolean | null): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('a number without a literal');
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** An array of literals. */
export function literals(values: readonly (string | number | boolean | null)[]): string {
  return `[${values.map(literal).join(', ')}]`;
}

const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'in', 'true', 'false', 'null', 'function']);

/** The path of a dotted field; undefined where a name in it cannot be written (it is empty or has a backtick). */
export function fieldPath(field: string): string | undefined {
  const names = field.split('.').map((name) => {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !WORDS.has(name)) return name;
    return name === '' || /[`\u0000-\u001f]/.test(name) ? undefined : `\`${name}\``;
  });
  return names.every((name) => name !== undefined) ? names.join('.') : undefined;
}

/** An operand from text that is one: a comparison, a path. */
export function operand(text: string): Written {
  return { text, binds: 'operand' };
}

/** `$name(first, …)`; the arguments are texts made by {@link literal}, {@link literals} and {@link fieldPath}. */
export function call(name: string, ...args: readonly string[]): Written {
  return { text: `$${name}(${args.join(', ')})`, binds: 'operand' };
}

/** True where all are. `true` of none. */
export function allOf(parts: readonly Written[]): Written {
  const needed = parts.filter((part) => part.text !== ALWAYS.text);
  if (needed.some((part) => part.text === NEVER.text)) return NEVER;
  const [only] = needed;
  if (only === undefined) return ALWAYS;
  if (needed.length === 1) return only;
  return { text: joined(needed, 'and'), binds: 'and' };
}

/** True where one is. `false` of none. */
export function anyOf(parts: readonly Written[]): Written {
  const possible = parts.filter((part) => part.text !== NEVER.text);
  if (possible.some((part) => part.text === ALWAYS.text)) return ALWAYS;
  const [only] = possible;
  if (only === undefined) return NEVER;
  if (possible.length === 1) return only;
  return { text: joined(possible, 'or'), binds: 'or' };
}

/** True where it is false or says nothing: JSONata's `$not` of what is missing says nothing, so it is made a truth first. */
export function not(part: Written): Written {
  if (part.text === ALWAYS.text) return NEVER;
  if (part.text === NEVER.text) return ALWAYS;
  return { text: `$not(${part.text})`, binds: 'operand' };
}

const LINE_MAX = 100;

function joined(parts: readonly Written[], operator: 'and' | 'or'): string {
  const texts = parts.map((part) =>
    part.binds === 'operand' || part.binds === operator ? part.text : `(${indented(part.text)})`,
  );
  const flat = texts.join(` ${operator} `);
  return flat.length <= LINE_MAX && !flat.includes('\n') ? flat : texts.join(`\n${operator} `);
}

function indented(text: string): string {
  return text.includes('\n') ? text.replaceAll('\n', '\n  ') : text;
}
