// One line in auditctl's words → what it orders, or what is wrong with it. The order of the options counts, as for auditctl: the list
// comes before its fields, the architecture before the calls, the key after what it is the key of. Everything wrong is told, not
// only the first. A little over 300 lines: one function an option, and all of them grow the same draft.
import { nearest } from '../../event/nearest-name.ts';
import {
  type CompiledRule,
  FIELDS_MAX,
  KEY_BYTES_MAX,
  type Operator,
  PATH_BYTES_MAX,
  type RuleAction,
  type RuleField,
  type RuleList,
} from '../netlink/rule-data.ts';
import { type RuleArchitecture, type RuleMachine, ruleArchitecture } from './machine.ts';
import { readCallNames } from './rule-calls.ts';
import { diagnosticAt, type Finding, quoted, type RuleDiagnostic, type RuleLine } from './rule-diagnostic.ts';
import { comparisonNumber, FIELD_NAMES, fieldNamed, listsOf, operatorsOf, splitField } from './rule-field.ts';
import { type HostOrder, readHostOrder } from './rule-order.ts';
import { readPermissions, readValue } from './rule-value.ts';
import { splitWords, type Word } from './rule-words.ts';

/** What a line orders. */
export type Statement =
  | {
      readonly kind: 'rule';
      readonly operation: 'add' | 'delete';
      readonly rule: CompiledRule;
      readonly line: RuleLine;
    }
  | HostOrder;

export interface ReadLine {
  /** Undefined for an empty line, a comment, and one that cannot be followed. */
  readonly statement: Statement | undefined;
  readonly diagnostics: readonly RuleDiagnostic[];
}

/** What the reading of a line asks of the host. */
export interface LineReading {
  readonly machine: RuleMachine;
  /** True for a folder: `-w` on it watches all below. */
  readonly isFolder: (path: string) => boolean;
}

/** Longer is no rule, bytes. */
const LINE_BYTES_MAX = 16_384;
const NAME_BYTES_MAX = 255;
const LISTS: readonly RuleList[] = ['task', 'exit', 'user', 'exclude', 'filesystem', 'io_uring'];
const KEYED_FIELDS: ReadonlySet<string> = new Set(['path', 'dir', 'perm', 'exe', 'fstype']);
const WITH_CALLS: ReadonlySet<RuleList> = new Set<RuleList>(['exit', 'io_uring']);

export function readRuleLine(line: RuleLine, reading: LineReading): ReadLine {
  const { text } = line;
  const alone = (finding: Finding, at = 0): ReadLine => ({
    statement: undefined,
    diagnostics: [diagnosticAt(line, at, finding)],
  });
  if (/^\s*(#|$)/.test(text)) return { statement: undefined, diagnostics: [] };
  if (text.length > LINE_BYTES_MAX || text.includes('\0')) {
    const message = text.includes('\0') ? 'a NUL byte in the line' : `longer than ${LINE_BYTES_MAX} bytes`;
    return alone({ code: 'audit/line', message, remedy: 'One rule stands in one line of text.' });
  }
  if (/(^|[^\\])(\\\\)*\\$/.test(text)) {
    const message = 'a rule does not go on in the next line';
    return alone({ code: 'audit/continuation', message, remedy: 'Write the whole rule in one line.' }, text.length - 1);
  }
  const split = splitWords(text);
  if (split.kind === 'unclosed') {
    const remedy = 'Close the quote; a quote that is part of a name is written with a backslash before it.';
    return alone({ code: 'audit/unclosed-quote', message: 'a quote that does not end', remedy }, split.at);
  }
  const order = readHostOrder(line, split.words);
  if (order !== undefined) return order;
  return readRule(line, split.words, reading);
}

/** The rule as it grows, option by option. */
interface Draft {
  operation: 'add' | 'delete' | undefined;
  isFirst: boolean;
  isWatch: boolean;
  list: RuleList;
  action: RuleAction;
  architecture: RuleArchitecture | undefined;
  calls: Set<number> | 'all' | undefined;
  fields: RuleField[];
  keys: string[];
}

interface Option {
  readonly letter: string;
  readonly value: Word;
  /** Where the option itself stands. */
  readonly at: number;
}

function readRule(line: RuleLine, words: readonly Word[], reading: LineReading): ReadLine {
  const found: RuleDiagnostic[] = [];
  const tell = (at: number, finding: Finding): undefined => {
    found.push(diagnosticAt(line, at, finding));
  };
  const draft: Draft = {
    operation: undefined,
    isFirst: false,
    isWatch: false,
    list: 'exit',
    action: 'always',
    architecture: undefined,
    calls: undefined,
    fields: [],
    keys: [],
  };
  for (const option of optionsOf(words, tell))
    readOption(draft, option, reading, (finding, at) => tell(at ?? option.value.at, finding));
  if (found.length === 0 && draft.operation === undefined) {
    const remedy = 'Begin with -a action,list (or -w path for a file watch).';
    tell(words[0]?.at ?? 0, { code: 'audit/no-rule', message: 'no rule is ordered here', remedy });
  }
  if (draft.fields.length + (draft.keys.length > 0 ? 1 : 0) > FIELDS_MAX) {
    tell(0, {
      code: 'audit/too-many-fields',
      message: `more than ${FIELDS_MAX} fields`,
      remedy: 'Make two rules of it.',
    });
  }
  const { operation } = draft;
  if (operation === undefined || found.some(({ severity }) => severity === 'error')) {
    return { statement: undefined, diagnostics: found };
  }
  return { statement: { kind: 'rule', operation, rule: ruleOf(draft), line }, diagnostics: found };
}

function ruleOf(draft: Draft): CompiledRule {
  const { list, action, isFirst, calls } = draft;
  const without = list === 'task' ? [] : 'all';
  const numbers = calls === undefined ? without : calls === 'all' ? 'all' : [...calls].sort((a, b) => a - b);
  const key: readonly RuleField[] =
    draft.keys.length === 0 ? [] : [{ name: 'key', operator: '=', value: draft.keys.join('\u0001') }];
  return { list, action, isFirst, syscalls: numbers, fields: [...draft.fields, ...key] };
}

/** `-S open` and `-Sopen` alike; what is no option is told. */
function* optionsOf(words: readonly Word[], tell: (at: number, finding: Finding) => void): Generator<Option> {
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as Word;
    const match = /^-([A-Za-z])(.*)$/s.exec(word.text);
    const letter = match?.[1] ?? '';
    if (match === null || !'aAdwWFCSkp'.includes(letter)) {
      const message = word.text.startsWith('-')
        ? `unknown option ${quoted(word.text)}`
        : `${quoted(word.text)} belongs to no option`;
      const remedy = 'Known are -a -A -d -w -W -S -F -C -p -k; blanks in a name are written with a backslash.';
      tell(word.at, { code: 'audit/unknown-option', message, remedy });
      continue;
    }
    const glued = match[2] as string;
    const value = glued === '' ? words[index + 1] : { text: glued, at: word.at + 2 };
    if (value === undefined) {
      tell(word.at, {
        code: 'audit/no-value',
        message: `-${letter} needs a value`,
        remedy: `Write it behind -${letter}.`,
      });
      continue;
    }
    if (glued === '') index += 1;
    yield { letter, value, at: word.at };
  }
}

type Tell = (finding: Finding, at?: number) => undefined;

function readOption(draft: Draft, option: Option, reading: LineReading, tell: Tell): undefined {
  const { letter, value, at } = option;
  switch (letter) {
    case 'a':
    case 'A':
    case 'd':
      return readList(draft, option, tell);
    case 'w':
    case 'W':
      return readWatch(draft, option, reading, tell);
    case 'F':
      if (value.text.startsWith('key=')) return readKey(draft, { text: value.text.slice(4), at: value.at + 4 }, tell);
      return readField(draft, value, reading, tell);
    case 'C':
      return readComparison(draft, value, tell);
    case 'S':
      return readCalls(draft, value, reading, tell);
    case 'k':
      return readKey(draft, value, tell);
    default:
      return readWatchPermissions(draft, value, at, tell);
  }
}

function readList(draft: Draft, { letter, value }: Option, tell: Tell): undefined {
  if (draft.operation !== undefined) {
    return tell({ code: 'audit/two-rules', message: 'two rules in one line', remedy: 'Give each rule its own line.' });
  }
  draft.operation = letter === 'd' ? 'delete' : 'add';
  draft.isFirst = letter === 'A';
  const parts = value.text.split(',');
  const list = LISTS.find((name) => parts.includes(name));
  const action = (['always', 'never'] as const).find((name) => parts.includes(name));
  if (parts.includes('entry')) {
    const remedy = 'Write -a always,exit: the kernel dropped the entry list in 3.1.';
    return tell({ code: 'audit/entry-list', message: 'the entry list is gone', remedy });
  }
  if (parts.includes('possible')) {
    const remedy = 'Write always: the kernel has no other way to record.';
    return tell({ code: 'audit/possible', message: 'the action possible is gone', remedy });
  }
  if (parts.length !== 2 || list === undefined || action === undefined) {
    const remedy = `Write always or never, a comma, and one of ${LISTS.join(', ')}.`;
    return tell({ code: 'audit/list', message: `${quoted(value.text)} is no action and list`, remedy });
  }
  draft.list = list;
  draft.action = action;
  if (list === 'exclude' && action === 'always') {
    const remedy = 'Write never,exclude: the exclude list leaves out, whatever the action says.';
    tell({ code: 'audit/exclude-always', severity: 'warning', message: 'always on the exclude list', remedy });
  }
}

function readWatch(draft: Draft, { letter, value }: Option, reading: LineReading, tell: Tell): undefined {
  if (draft.operation !== undefined || draft.calls !== undefined) {
    const remedy = 'Give the watch a line of its own, or write -F path= or -F dir= in the rule.';
    return tell({ code: 'audit/two-rules', message: 'a watch within another rule', remedy });
  }
  draft.operation = letter === 'W' ? 'delete' : 'add';
  draft.isWatch = true;
  const path = value.text.length > 1 ? value.text.replace(/(?<=.)\/+$/, '') : value.text;
  const base = path.slice(path.lastIndexOf('/') + 1);
  if (!path.startsWith('/')) {
    return tell({
      code: 'audit/relative-path',
      message: 'a watch has to begin with /',
      remedy: 'Write the absolute path.',
    });
  }
  if (path.length > PATH_BYTES_MAX || base.length > NAME_BYTES_MAX) {
    const message = `a path over ${PATH_BYTES_MAX} bytes or a name over ${NAME_BYTES_MAX}`;
    return tell({ code: 'audit/path', message, remedy: 'The kernel has no longer ones.' });
  }
  draft.fields.push(
    { name: reading.isFolder(path) ? 'dir' : 'path', operator: '=', value: path },
    { name: 'perm', operator: '=', value: 15 },
  );
}

function readWatchPermissions(draft: Draft, value: Word, at: number, tell: Tell): undefined {
  const bits = readPermissions(value.text);
  if (draft.operation === undefined) {
    const remedy = 'Put -w path before it.';
    return tell({ code: 'audit/order', message: '-p comes before its watch', remedy }, at);
  }
  if (bits === undefined) {
    return tell({
      code: 'audit/value',
      message: `${quoted(value.text)} are no permissions`,
      remedy: 'Write letters of rwxa.',
    });
  }
  if (!draft.isWatch) return addField(draft, { name: 'perm', operator: '=', value: bits });
  draft.fields = draft.fields.map((field) => (field.name === 'perm' ? { ...field, value: bits } : field));
}

function readField(draft: Draft, word: Word, reading: LineReading, tell: Tell): undefined {
  const parts = splitField(word.text);
  if (parts === undefined || parts.name === '') {
    const remedy = 'Write name, operator and value without blanks: -F auid>=1000.';
    return tell({ code: 'audit/field', message: `${quoted(word.text)} is no field with a value`, remedy });
  }
  const name = fieldNamed(parts.name);
  if (name === undefined) {
    const near = nearest(parts.name, FIELD_NAMES);
    const remedy = `${near === undefined ? '' : `Did you mean ${near}? `}Known are ${FIELD_NAMES.join(', ')}.`;
    return tell({ code: 'audit/unknown-field', message: `unknown field ${quoted(parts.name)}`, remedy });
  }
  if (draft.operation === undefined) {
    const remedy = 'Put -a action,list first: which fields there are depends on the list.';
    return tell({ code: 'audit/order', message: 'a field before its list', remedy });
  }
  const { list } = draft;
  if (!listsOf(name).includes(list)) {
    const remedy = `${name} can be used on: ${listsOf(name).join(', ')}.`;
    return tell({ code: 'audit/field-list', message: `${name} is no field of the ${list} list`, remedy });
  }
  const operators = operatorsOf(name);
  if (!operators.includes(parts.operator)) {
    const remedy = `${name} takes ${operators.join(' ')}`;
    return tell(
      { code: 'audit/operator', message: `${name} cannot be compared by ${parts.operator}`, remedy },
      word.at + parts.at,
    );
  }
  if (name === 'arch' && draft.calls !== undefined) {
    const remedy = 'Put -F arch= before -S: the numbers of the calls depend on it.';
    return tell({ code: 'audit/order', message: 'the architecture comes after the calls', remedy });
  }
  const once = ['path', 'dir', 'inode', 'exe'];
  const isPlace = ['path', 'dir', 'inode'].includes(name);
  if (
    once.includes(name) &&
    draft.fields.some((field) => field.name === name || (isPlace && ['path', 'dir', 'inode'].includes(field.name)))
  ) {
    const remedy = 'Make a rule for each: the kernel takes one of path, dir, inode, and one exe, in a rule.';
    return tell({ code: 'audit/repeated-field', message: `${name} again in one rule`, remedy });
  }
  if (name === 'key' && !mayHaveKey(draft)) return tell(KEY_TOO_EARLY);
  const read = readValue(name, parts.value, reading.machine);
  if (!read.isOk) return tell(read.finding, word.at + parts.at + parts.operator.length);
  if (name === 'arch') draft.architecture = ruleArchitecture(Number(read.value));
  if (name === 'exit' && Number(read.value) > 0 && /^E[A-Z]/.test(parts.value)) {
    const remedy = `Write ${parts.name}${parts.operator}-${parts.value}: a call that failed returns the negative errno.`;
    tell({ code: 'audit/positive-errno', severity: 'warning', message: 'a positive errno never is a result', remedy });
  }
  addField(draft, { name, operator: parts.operator, value: read.value });
}

function addField(draft: Draft, field: RuleField): undefined {
  draft.fields.push(field);
}

function readComparison(draft: Draft, word: Word, tell: Tell): undefined {
  const parts = splitField(word.text);
  const operator: Operator | undefined = parts?.operator;
  if (parts === undefined || (operator !== '=' && operator !== '!=')) {
    const remedy = 'Write two fields with = or != between them: -C auid!=obj_uid.';
    return tell({ code: 'audit/comparison', message: `${quoted(word.text)} is no comparison`, remedy });
  }
  if (draft.operation === undefined || !WITH_CALLS.has(draft.list)) {
    const remedy = 'Put -a always,exit before it.';
    return tell({ code: 'audit/field-list', message: 'a comparison needs the exit list', remedy });
  }
  const number = comparisonNumber(parts.name, parts.value);
  if (number === undefined) {
    const remedy =
      'Two different ones of auid, uid, euid, suid, fsuid, obj_uid; or of gid, egid, sgid, fsgid, obj_gid.';
    return tell({ code: 'audit/comparison', message: `${quoted(word.text)} cannot be compared`, remedy });
  }
  addField(draft, { name: 'field_compare', operator, value: number });
}

const KEY_TOO_EARLY: Finding = {
  code: 'audit/order',
  message: 'a key needs calls or a file before it',
  remedy: 'Put it last; a rule without calls, path, dir, perm or exe gets -S all before its key.',
};

function mayHaveKey(draft: Draft): boolean {
  const isOfFile = draft.fields.some(({ name }) => KEYED_FIELDS.has(name));
  return draft.operation !== undefined && (draft.calls !== undefined || isOfFile);
}

function readKey(draft: Draft, { text, at }: Word, tell: Tell): undefined {
  if (!mayHaveKey(draft)) return tell(KEY_TOO_EARLY);
  if (draft.list === 'exclude' || draft.list === 'task') {
    const remedy = 'Drop the key: what this list leaves out is never recorded.';
    return tell({ code: 'audit/field-list', message: `a rule of the ${draft.list} list has no key`, remedy });
  }
  if (text === '') return tell({ code: 'audit/no-value', message: 'an empty key', remedy: 'Name the key.' });
  const bytes = [...draft.keys, text].join('\u0001').length;
  if (bytes > KEY_BYTES_MAX) {
    const remedy = `Together the keys of a rule may have ${KEY_BYTES_MAX} bytes.`;
    return tell({ code: 'audit/too-long', message: `the key is too long: ${bytes} bytes`, remedy }, at);
  }
  draft.keys.push(text);
}

function readCalls(draft: Draft, word: Word, reading: LineReading, tell: Tell): undefined {
  if (draft.operation !== undefined && (!WITH_CALLS.has(draft.list) || draft.isWatch)) {
    const what = draft.isWatch ? 'a watch' : `a rule of the ${draft.list} list`;
    return tell({ code: 'audit/calls', message: `${what} names no calls`, remedy: 'Drop -S.' });
  }
  const architecture =
    draft.list === 'io_uring' ? 'io_uring' : (draft.architecture ?? reading.machine.architectures[0]);
  const read = readCallNames(word.text, architecture, reading.machine);
  for (const { finding, at } of read.findings) tell(finding, word.at + at);
  const before = draft.calls ?? new Set();
  draft.calls = read.calls === 'all' || before === 'all' ? 'all' : new Set([...before, ...read.calls]);
}
