// Regular expressions of searches (RE2's syntax) as Lucene's, where the two mean the same for certain: characters, `.`, groups,
// alternatives, repetitions and plain classes, all in ASCII. For any other the answer is undefined, and the dialect asks for less.
import { classOf } from './word-class.ts';

const REPEAT_MAX = 50;
const EXPRESSION_CHARS_MAX = 2_000;
/** Runs of anything before something else: each may multiply the states of an automaton. */
const RUNS_MAX = 4;

/** The expression for Lucene, or undefined. */
export function luceneOf(pattern: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(pattern) || pattern.length > EXPRESSION_CHARS_MAX) return undefined;
  if ((pattern.match(/[*+}]/g) ?? []).length > RUNS_MAX) return undefined;
  const state = { pattern, at: 0 };
  const expression = alternatives(state, 0);
  return expression === undefined || state.at < pattern.length ? undefined : expression;
}

interface State {
  readonly pattern: string;
  at: number;
}

const DEPTH_MAX = 20;

function alternatives(state: State, depth: number): string | undefined {
  if (depth > DEPTH_MAX) return undefined;
  const branches: string[] = [];
  for (;;) {
    const branch = sequence(state, depth);
    if (branch === undefined) return undefined;
    // Lucene reads an empty alternative as nothing at all.
    branches.push(branch === '' ? '()' : branch);
    if (state.pattern[state.at] !== '|') return branches.join('|');
    state.at++;
  }
}

function sequence(state: State, depth: number): string | undefined {
  let expression = '';
  for (;;) {
    const next = state.pattern[state.at];
    if (next === undefined || next === '|' || next === ')') return expression;
    const one = atom(state, depth);
    if (one === undefined) return undefined;
    const count = repetition(state);
    if (count === undefined) return undefined;
    expression += `${one}${count}`;
  }
}

function atom(state: State, depth: number): string | undefined {
  const next = state.pattern[state.at++] ?? '';
  switch (next) {
    case '(': {
      if (state.pattern[state.at] === '?') {
        if (!state.pattern.startsWith('?:', state.at)) return undefined;
        state.at += 2;
      }
      const inner = alternatives(state, depth + 1);
      if (inner === undefined || state.pattern[state.at++] !== ')') return undefined;
      return `(${inner})`;
    }
    case '.':
      return '.';
    case '[':
      return characterClass(state);
    case '\\':
      return escapedSign(state.pattern[state.at++]);
    case '^':
    case '$':
    case '*':
    case '+':
    case '?':
    case '{':
    case '}':
    case ']':
      return undefined;
    default:
      return classOf(sameAs(next));
  }
}

function escapedSign(letter: string | undefined): string | undefined {
  if (letter === 'd') return '[0-9]';
  return letter !== undefined && /^[!-/:-@[-`{-~]$/.test(letter) ? classOf([letter]) : undefined;
}

/** `[a-f0-9:.]`, without negation, names or escapes but of signs. */
function characterClass(state: State): string | undefined {
  const members = new Set<string>();
  for (let isFirst = true; ; isFirst = false) {
    const from = classMember(state, isFirst);
    if (from === undefined) return undefined;
    if (from === '') return members.size === 0 ? undefined : classOf([...members]);
    let to = from;
    if (state.pattern[state.at] === '-' && state.pattern[state.at + 1] !== ']') {
      state.at++;
      const end = classMember(state, false);
      if (end === undefined || end === '' || end < from) return undefined;
      to = end;
    }
    for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) {
      for (const same of sameAs(String.fromCharCode(code))) members.add(same);
    }
  }
}

/** One character of a class; '' at its end. */
function classMember(state: State, isFirst: boolean): string | undefined {
  const next = state.pattern[state.at++];
  if (next === undefined || next === '[' || (isFirst && (next === '^' || next === ']'))) return undefined;
  if (next === ']') return '';
  if (next !== '\\') return next;
  const letter = state.pattern[state.at++];
  return letter !== undefined && /^[!-/:-@[-`{-~]$/.test(letter) ? letter : undefined;
}

/** What follows an atom: `*`, `+`, `?`, `{n,m}`, lazy or not; '' where nothing does. */
function repetition(state: State): string | undefined {
  const match = /^(?:[*+?]|\{([0-9]{1,3})(?:,([0-9]{0,3}))?\})/.exec(state.pattern.slice(state.at));
  if (match === null) return '';
  if (Number(match[1] ?? 0) > REPEAT_MAX || Number(match[2] ?? 0) > REPEAT_MAX) return undefined;
  if (match[2] !== undefined && match[2] !== '' && Number(match[2]) < Number(match[1])) return undefined;
  state.at += match[0].length;
  if (state.pattern[state.at] === '?') state.at++;
  // Two in a row are an error of the one and mean something to the other.
  return /^[*+?{]/.test(state.pattern.slice(state.at)) ? undefined : match[0];
}

/** The characters that RE2 takes for one of ASCII, case aside. */
function sameAs(character: string): readonly string[] {
  const [lower, upper] = [character.toLowerCase(), character.toUpperCase()];
  if (lower === upper) return [character];
  return lower === 'k' ? ['k', 'K', '\u212a'] : lower === 's' ? ['s', 'S', '\u017f'] : [lower, upper];
}
