// The orders of a rule file that are no rules: -D, -b, -f, -e and their like. A collector is a guest: of the host's audit it changes
// what it can put back and what no one else relies on. Why each of the others is refused or left alone: docs/decisions/0018.
import { diagnosticAt, type Finding, quoted, type RuleDiagnostic, type RuleLine } from './rule-diagnostic.ts';
import type { Word } from './rule-words.ts';

export type HostOrder =
  /** -D, or -D -k KEY */
  | { readonly kind: 'delete-all'; readonly key: string | undefined }
  | { readonly kind: 'backlog-limit' | 'backlog-wait-time'; readonly value: number }
  /** -q MOUNT,SUBTREE */
  | { readonly kind: 'equivalent'; readonly mount: string; readonly subtree: string }
  /** -t */
  | { readonly kind: 'trim' };

interface ReadOrder {
  readonly statement: HostOrder | undefined;
  readonly diagnostics: readonly RuleDiagnostic[];
}

const BACKLOG_MAX = 4_194_304;
/** Ten times the kernel's default of 60 × HZ is refused by it; in ticks of 4 ms. */
const WAIT_TIME_MAX = 150_000;
const UINT32_MAX = 0xffff_ffff;

const NOT_IN_FILES = /^-(s|l|v|h|m|R)$|^--(status|signal|version|help)$/;

/** Reads an order; undefined when the line is a rule. */
export function readHostOrder(line: RuleLine, words: readonly Word[]): ReadOrder | undefined {
  const [first, second, ...rest] = words;
  if (first === undefined) return undefined;
  const glued = /^-([bfer])(.+)$/.exec(first.text);
  const option = glued === null ? first.text : `-${glued[1]}`;
  const value = glued === null ? second : { text: glued[2] as string, at: first.at + 2 };
  const read = orderOf(option, value?.text, words.slice(1));
  if (read === undefined) return undefined;
  const at = value !== undefined && read.pointsAtValue === true ? value.at : first.at;
  const diagnostics = read.finding === undefined ? [] : [diagnosticAt(line, at, read.finding)];
  const extra = (glued === null ? rest[0] : second) as Word | undefined;
  if (read.isAlone === true && extra !== undefined) {
    const finding = {
      code: 'audit/two-rules',
      message: `${quoted(extra.text)} behind ${option}`,
      remedy: `Give ${option} a line of its own.`,
    };
    return { statement: undefined, diagnostics: [...diagnostics, diagnosticAt(line, extra.at, finding)] };
  }
  return { statement: read.statement, diagnostics };
}

interface Order {
  readonly statement?: HostOrder;
  readonly finding?: Finding;
  readonly pointsAtValue?: boolean;
  /** Nothing may follow its value. */
  readonly isAlone?: boolean;
}

function orderOf(option: string, value: string | undefined, others: readonly Word[]): Order | undefined {
  if (NOT_IN_FILES.test(option)) {
    const remedy = 'Drop it: it asks auditctl for something, and a file of rules only says what is wanted.';
    return { finding: { code: 'audit/not-in-files', message: `${option} has no place in a file`, remedy } };
  }
  switch (option) {
    case '-D':
      return deleteAll(others);
    case '-b':
    case '--backlog':
      return withNumber(option, value, BACKLOG_MAX, (number) => ({
        statement: { kind: 'backlog-limit', value: number },
      }));
    case '--backlog_wait_time':
      return withNumber(option, value, WAIT_TIME_MAX, waitTime);
    case '-f':
      return withNumber(option, value, 2, failureMode);
    case '-e':
      return withNumber(option, value, 2, enabled);
    case '-r':
      return withNumber(option, value, UINT32_MAX, (number) => (number === 0 ? {} : leftAlone('-r', RATE)));
    case '-q':
      return equivalent(value);
    case '-t':
      return { statement: { kind: 'trim' } };
    case '-i':
    case '-c':
      // A wrong line never keeps the others from being loaded, whether asked for or not.
      return others.length === 0 ? {} : undefined;
    case '--loginuid-immutable':
      return leftAlone(option, 'it changes what containers and login programs may do, and cannot be undone surely');
    case '--reset-lost':
    case '--reset_backlog_wait_time_actual':
      return leftAlone(option, 'the collector accounts for what was lost by that counter');
    default:
      return undefined;
  }
}

const RATE = 'a rate limit makes the kernel drop records, which is what a collector is there to avoid';

function deleteAll(others: readonly Word[]): Order {
  const [option, key, ...rest] = others;
  if (option === undefined) return { statement: { kind: 'delete-all', key: undefined } };
  if (option.text === '-k' && key !== undefined && rest.length === 0) {
    return { statement: { kind: 'delete-all', key: key.text } };
  }
  const remedy = 'Write -D alone, or -D -k KEY.';
  return { finding: { code: 'audit/two-rules', message: 'something behind -D', remedy } };
}

function waitTime(number: number): Order {
  const statement = { kind: 'backlog-wait-time', value: number } as const;
  if (number === 0) return { statement };
  const remedy = 'Drop the line to keep 0: rather a record lost, and told, than a program that waits.';
  const message = 'system calls of this host will wait when the collector is slow';
  return { statement, pointsAtValue: true, finding: { code: 'audit/wait-time', severity: 'warning', message, remedy } };
}

function failureMode(number: number): Order {
  if (number === 1) return {};
  if (number === 0) return leftAlone('-f 0', 'the failure mode belongs to the host');
  const remedy =
    'Drop the line: a lost record is told as a loss; a host that halts for it helps only who wants it down.';
  const message = 'failure mode 2 halts the host when a record is lost';
  return { pointsAtValue: true, finding: { code: 'audit/panic', message, remedy } };
}

function enabled(number: number): Order {
  if (number === 1) return {};
  if (number === 0) return leftAlone('-e 0', 'a collector that runs has auditing switched on');
  const remedy =
    'Drop the line; a change by somebody else is told as an event of vedette.tamper, and deleted rules come back.';
  const message = 'a locked configuration could neither be put back nor follow the processes that are left out';
  return { pointsAtValue: true, finding: { code: 'audit/lock', message, remedy } };
}

function equivalent(value: string | undefined): Order {
  const comma = value?.indexOf(',') ?? -1;
  const mount = value?.slice(0, comma) ?? '';
  const subtree = value?.slice(comma + 1) ?? '';
  if (comma > 0 && mount.startsWith('/') && subtree.startsWith('/')) {
    return { statement: { kind: 'equivalent', mount, subtree }, isAlone: true };
  }
  const remedy = 'Write two absolute paths with a comma between them: -q /mount,/subtree.';
  return { finding: { code: 'audit/value', message: '-q needs a mount point and a subtree', remedy } };
}

function leftAlone(option: string, reason: string): Order {
  const remedy = `Drop the line, or say it to auditctl if the host shall have it: ${reason}.`;
  return { finding: { code: 'audit/left-alone', severity: 'warning', message: `${option} is not followed`, remedy } };
}

function withNumber(option: string, value: string | undefined, max: number, make: (number: number) => Order): Order {
  if (value !== undefined && /^[0-9]{1,10}$/.test(value) && Number(value) <= max) {
    return { isAlone: true, ...make(Number(value)) };
  }
  const message = value === undefined ? `${option} needs a number` : `${option} does not take ${quoted(value)}`;
  const remedy = `Write a number from 0 to ${max}.`;
  return { pointsAtValue: true, finding: { code: 'audit/value', message, remedy } };
}
