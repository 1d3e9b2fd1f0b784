// The plain part of YAML, which most rule files keep to: block maps and lists, one-line values, `|` and `>` texts, flow lists and maps on one
// line. Read here in a fraction of the time that the whole of YAML takes, with the same tree and the same places. Whatever is
// written in any other way (comments between keys, tabs, escapes, anchors, several documents, a mistake) is left to yaml-tree.ts: the
// answer is then undefined. It never answers a tree that the whole parser would not (test/rules/yaml-plain.test.ts).
import type { YamlNode } from './yaml-tree.ts';

type MapNode = YamlNode & { readonly kind: 'map' };

/** Deeper than this is left to the other one, which says so. */
const DEPTH_MAX = 12;

/** The one document of a text; undefined where it is not plain. */
export function readPlainYaml(text: string): YamlNode | undefined {
  if (!text.endsWith('\n') || NOT_PLAIN.test(text)) return undefined;
  try {
    return new PlainReader(text).document();
  } catch (error) {
    if (error === LEFT_TO_OTHERS) return undefined;
    throw error;
  }
}

/** Tabs, carriage returns, marks of documents and directives, what is beyond the printable, spaces at a line's end. */
const NOT_PLAIN = /[^\n\x20-\x7e\xa1-\u1fff\u2030-\u205e\u2070-\ud7ff]|^(?:---|\.\.\.|%)|[ ]$/m;
const LEFT_TO_OTHERS = Symbol('not plain YAML');

const ENTRY = /^([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*):(?: (.*))?$/;
const FLOW_KEY = /([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*): /y;
const FLOW_PLAIN =
  /(?:[A-Za-z0-9_/(]|\.[A-Za-z/]|-[A-Za-z])(?:[A-Za-z0-9_./;()+=$~-]|:(?=[A-Za-z0-9/]))*(?: (?:[A-Za-z0-9_./;()+=$-]|:(?=[A-Za-z0-9/]))+)*/y;
const QUOTED = /"([^"\\\n]*)"|'([^'\n]*)'/y;
/** Nothing in it that could end it, or make it something else. */
const PLAIN = /^[A-Za-z0-9_/(][^:#\n]*(?::[^\s:#][^:#\n]*)*$/;
const TYPED = /^(?:null|true|false|\.inf|\.nan)$/i;
const NUMBER = /^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?$/;
/** What begins with a digit and is text. */
const DURATION_DATE_OR_ADDRESS = /^(?:[0-9]{1,9}[smhd]|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,3}(?:\.[0-9]{1,3}){3})$/;

class PlainReader {
  readonly #text: string;
  /** Of the line that is next: where it begins, how far it is indented, where it ends. */
  #start = 0;
  #indent = 0;
  #end = 0;

  constructor(text: string) {
    this.#text = text;
    this.#goTo(0);
  }

  document(): YamlNode {
    while (this.#text.startsWith('#', this.#start)) this.#goTo(this.#end + 1);
    if (this.#isOver() || this.#indent !== 0) throw LEFT_TO_OTHERS;
    const root = this.#map(0, 0);
    if (!this.#isOver()) throw LEFT_TO_OTHERS;
    return root;
  }

  /** To the next line that is not empty, from the beginning of one. */
  #goTo(start: number): void {
    let at = start;
    while (this.#text[at] === '\n') at += 1;
    this.#start = at;
    let first = at;
    while (this.#text[first] === ' ') first += 1;
    this.#indent = first - at;
    const end = this.#text.indexOf('\n', first);
    this.#end = end === -1 ? this.#text.length : end;
  }

  #isOver(): boolean {
    return this.#start >= this.#text.length;
  }

  /** The lines of this indentation; the first may stand behind a `- `. */
  #map(indent: number, depth: number): MapNode {
    if (depth > DEPTH_MAX) throw LEFT_TO_OTHERS;
    const at = this.#start + this.#indent;
    const entries: { key: string; keyAt: number; value: YamlNode }[] = [];
    const keys = new Set<string>();
    let end = at;
    while (!this.#isOver() && this.#indent === indent) {
      const keyAt = this.#start + indent;
      const [, key = '', rest] = ENTRY.exec(this.#text.slice(keyAt, this.#end)) ?? [];
      if (key === '' || TYPED.test(key) || keys.has(key)) throw LEFT_TO_OTHERS;
      keys.add(key);
      const value = this.#valueOf(rest, { at: keyAt + key.length + 2, indent, depth });
      entries.push({ key, keyAt, value });
      end = value.kind === 'scalar' || isFlow(this.#text, value) ? lineEnd(this.#text, value.end) : value.end;
    }
    if (!this.#isOver() && this.#indent > indent) throw LEFT_TO_OTHERS;
    return { kind: 'map', at, end, entries };
  }

  #valueOf(rest: string | undefined, place: { at: number; indent: number; depth: number }): YamlNode {
    const { at, indent, depth } = place;
    if (rest === '|' || rest === '>' || rest === '>-') return this.#block(at, indent, rest);
    const end = this.#end;
    this.#goTo(end + 1);
    if (rest !== undefined) return this.#line(at, end);
    if (this.#isOver()) throw LEFT_TO_OTHERS;
    const isList = this.#text.startsWith('- ', this.#start + this.#indent);
    if (isList && this.#indent >= indent) return this.#list(this.#indent, depth + 1);
    if (isList || this.#indent <= indent) throw LEFT_TO_OTHERS;
    return this.#map(this.#indent, depth + 1);
  }

  #list(indent: number, depth: number): YamlNode {
    if (depth > DEPTH_MAX) throw LEFT_TO_OTHERS;
    const at = this.#start + indent;
    const items: YamlNode[] = [];
    let end = at;
    while (!this.#isOver() && this.#indent === indent && this.#text.startsWith('- ', this.#start + indent)) {
      const itemAt = this.#start + indent + 2;
      const line = this.#text.slice(itemAt, this.#end);
      if (ENTRY.test(line)) {
        this.#indent += 2;
        const item = this.#map(indent + 2, depth + 1);
        items.push(item);
        end = item.end;
        continue;
      }
      const lineEndAt = this.#end;
      this.#goTo(lineEndAt + 1);
      items.push(this.#line(itemAt, lineEndAt));
      end = lineEndAt + 1;
      if (!this.#isOver() && this.#indent > indent) throw LEFT_TO_OTHERS;
    }
    return { kind: 'list', at, end, items };
  }

  /** A value that fills a line from a place to its end. */
  #line(at: number, end: number): YamlNode {
    const first = this.#text[at];
    if (first === '[' || first === '{') return this.#whole(this.#flow(at, 0), end);
    if (first === '"' || first === "'") return this.#whole(this.#quoted(at), end);
    const raw = this.#text.slice(at, end);
    if (!PLAIN.test(raw)) throw LEFT_TO_OTHERS;
    return { kind: 'scalar', at, end, value: plainValue(raw), style: 'plain' };
  }

  #whole(node: YamlNode, end: number): YamlNode {
    if (node.end !== end) throw LEFT_TO_OTHERS;
    return node;
  }

  /** A `|` text: what is indented as far as its first line, or further; a `>` text with nothing in it that stays a line. */
  #block(at: number, outer: number, mark: '|' | '>' | '>-'): YamlNode {
    const text = this.#text;
    const first = this.#end + 1;
    let indent = 0;
    while (text[first + indent] === ' ') indent += 1;
    if (indent <= outer || text[first + indent] === '\n') throw LEFT_TO_OTHERS;
    const margin = ' '.repeat(indent);
    const lines: string[] = [];
    let end = first;
    let start = first;
    while (start < text.length) {
      const lineEndAt = text.indexOf('\n', start);
      if (lineEndAt === start) lines.push('');
      else if (text.startsWith(margin, start)) lines.push(text.slice(start + indent, lineEndAt));
      else break;
      start = lineEndAt + 1;
      if (lines.at(-1) !== '') end = start;
    }
    while (lines.at(-1) === '') lines.pop();
    this.#goTo(start);
    if (!this.#isOver() && this.#indent > outer) throw LEFT_TO_OTHERS;
    if (mark === '|') return { kind: 'scalar', at, end, value: `${lines.join('\n')}\n`, style: 'literal' };
    if (lines.some((line) => line === '' || line.startsWith(' '))) throw LEFT_TO_OTHERS;
    return { kind: 'scalar', at, end, value: lines.join(' ') + (mark === '>' ? '\n' : ''), style: 'folded' };
  }

  #flow(at: number, depth: number): YamlNode {
    if (depth > DEPTH_MAX) throw LEFT_TO_OTHERS;
    const text = this.#text;
    const isMap = text[at] === '{';
    const closing = isMap ? '}' : ']';
    const entries: { key: string; keyAt: number; value: YamlNode }[] = [];
    const items: YamlNode[] = [];
    let place = at + 1;
    if (text[place] === ' ') place += 1;
    while (text[place] !== closing) {
      if (isMap) {
        const keyAt = place;
        const key = this.#match(FLOW_KEY, place)[1] ?? '';
        if (TYPED.test(key) || entries.some((entry) => entry.key === key)) throw LEFT_TO_OTHERS;
        const value = this.#flowValue(keyAt + key.length + 2, depth);
        entries.push({ key, keyAt, value });
        place = value.end;
      } else {
        const item = this.#flowValue(place, depth);
        items.push(item);
        place = item.end;
      }
      if (text.startsWith(', ', place)) {
        place += 2;
        if (text[place] === closing) throw LEFT_TO_OTHERS;
      } else {
        if (text[place] === ' ') place += 1;
        if (text[place] !== closing) throw LEFT_TO_OTHERS;
      }
    }
    const end = place + 1;
    return isMap ? { kind: 'map', at, end, entries } : { kind: 'list', at, end, items };
  }

  #flowValue(at: number, depth: number): YamlNode {
    const first = this.#text[at];
    if (first === '[' || first === '{') return this.#flow(at, depth + 1);
    if (first === '"' || first === "'") return this.#quoted(at);
    const [raw] = this.#match(FLOW_PLAIN, at);
    const end = at + raw.length;
    if (!/[, \]}]/.test(this.#text[end] ?? '')) throw LEFT_TO_OTHERS;
    return { kind: 'scalar', at, end, value: plainValue(raw), style: 'plain' };
  }

  #quoted(at: number): YamlNode {
    const [raw, double, single] = this.#match(QUOTED, at);
    return { kind: 'scalar', at, end: at + raw.length, value: double ?? single ?? '', style: 'quoted' };
  }

  #match(pattern: RegExp, at: number): RegExpExecArray {
    pattern.lastIndex = at;
    const found = pattern.exec(this.#text);
    if (found === null) throw LEFT_TO_OTHERS;
    return found;
  }
}

/** As YAML's core schema has it, of the few forms that are told apart here. */
function plainValue(raw: string): string | number | boolean {
  if (raw === 'true' || raw === 'false') return raw === 'true';
  if (NUMBER.test(raw)) return Number(raw);
  if (TYPED.test(raw) || (/^[0-9]/.test(raw) && !DURATION_DATE_OR_ADDRESS.test(raw))) throw LEFT_TO_OTHERS;
  return raw;
}

function isFlow(text: string, { at }: YamlNode): boolean {
  return text[at] === '[' || text[at] === '{';
}

/** Behind the line break at the end of a value; `|` and `>` texts end behind one already. */
function lineEnd(text: string, end: number): number {
  return text[end - 1] === '\n' ? end : end + 1;
}
