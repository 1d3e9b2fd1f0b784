// The names of `-S` → numbers of one architecture, or of io_uring's operations.
import { nearest } from '../../event/nearest-name.ts';
import { SYSCALLS_MAX } from '../netlink/rule-data.ts';
import { hasCallNames, type RuleArchitecture, type RuleMachine, URING_OP_NAMES, uringOpNumber } from './machine.ts';
import { type Finding, quoted } from './rule-diagnostic.ts';

interface ReadCalls {
  readonly calls: readonly number[] | 'all';
  /** With the place in the text. */
  readonly findings: readonly { readonly finding: Finding; readonly at: number }[];
}

/** `open,openat,59` or `all`; no architecture is one that the machine has not. */
export function readCallNames(
  text: string,
  architecture: RuleArchitecture | 'io_uring' | undefined,
  machine: RuleMachine,
): ReadCalls {
  const numbers: number[] = [];
  const findings: { finding: Finding; at: number }[] = [];
  let isAll = false;
  let at = 0;
  for (const name of text.split(',')) {
    const number = callNumber(name.toLowerCase(), architecture);
    if (name === 'all') isAll = true;
    else if (number !== undefined) numbers.push(number);
    else if (name !== '') findings.push({ finding: unknownCall(name, architecture, machine), at });
    at += name.length + 1;
  }
  if (/^,*$/.test(text)) {
    const finding = { code: 'audit/no-value', message: '-S names no call', remedy: 'Write names, numbers or all.' };
    findings.push({ finding, at: 0 });
  }
  return { calls: isAll ? 'all' : numbers, findings };
}

function callNumber(name: string, architecture: RuleArchitecture | 'io_uring' | undefined): number | undefined {
  if (/^(0x[0-9a-f]{1,4}|[0-9]{1,5})$/.test(name)) return Number(name) < SYSCALLS_MAX ? Number(name) : undefined;
  return architecture === 'io_uring' ? uringOpNumber(name) : architecture?.syscallNumber(name);
}

function unknownCall(
  name: string,
  architecture: RuleArchitecture | 'io_uring' | undefined,
  machine: RuleMachine,
): Finding {
  const code = 'audit/unknown-call';
  const message = `unknown call ${quoted(name)}`;
  if (architecture === 'io_uring') {
    return {
      code,
      message,
      remedy: `${guess(name, URING_OP_NAMES)}Name io_uring operations: openat, connect, unlinkat, …`,
    };
  }
  if (architecture !== undefined && !hasCallNames(architecture)) {
    return { code, message, remedy: 'For this architecture only numbers are known: write the number.' };
  }
  const isElsewhere = machine.architectures.some((other) => other.syscallNumber(name.toLowerCase()) !== undefined);
  const remedy = isElsewhere
    ? 'Only another architecture of this machine has it: write it under that -F arch=.'
    : `${guess(name, architecture?.syscallNames() ?? [])}Check the spelling (\`man syscalls\`), or write its number (below ${SYSCALLS_MAX}).`;
  return { code, message, remedy };
}

/** `Did you mean …? `, or nothing. */
function guess(name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  return near === undefined ? '' : `Did you mean ${near}? `;
}
