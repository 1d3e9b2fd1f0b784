// What a rule means depends on the machine: which architectures run there, the numbers of their calls, the ids of its accounts.
import { ERRNOS } from '../../audit/tables/errno-names.ts';
import { recordTypeNumber } from '../../audit/tables/record-type.ts';
import { architectureName, syscallName, uringOpName } from '../../audit/tables/syscall.ts';

/** One architecture of the machine: its audit number, and the number of a syscall by name. */
export interface RuleArchitecture {
  readonly auditNumber: number;
  syscallNumber(name: string): number | undefined;
  syscallNames(): readonly string[];
}

/** What the reading of rules asks of a machine. */
export interface RuleMachine {
  /** The 64-bit one first. */
  readonly architectures: readonly RuleArchitecture[];
  userId(name: string): number | undefined;
  groupId(name: string): number | undefined;
}

const SYSCALL_NUMBERS_MAX = 2_048;
const URING_OPS_MAX = 256;

/** The audit architectures whose programs run here, by Node's name of the machine. */
export function machineArchitectures(arch: string): readonly RuleArchitecture[] {
  return arch === 'arm64' ? [ruleArchitecture(0xc000_00b7), ruleArchitecture(0x4000_0028)] : X86;
}

/** Any architecture; calls are known by name for x86_64, i386 and aarch64. */
export function ruleArchitecture(auditNumber: number): RuleArchitecture {
  const arch = auditNumber.toString(16);
  let numbers: Map<string, number> | undefined;
  const known = (): ReadonlyMap<string, number> => {
    numbers ??= numbersOf((number) => syscallName(arch, number), SYSCALL_NUMBERS_MAX);
    return numbers;
  };
  return {
    auditNumber,
    syscallNumber: (call) => known().get(call),
    syscallNames: () => [...known().keys()],
  };
}

const X86: readonly RuleArchitecture[] = [ruleArchitecture(0xc000_003e), ruleArchitecture(0x4000_0003)];

/** True where names of calls are known. */
export function hasCallNames(architecture: RuleArchitecture): boolean {
  return architecture.syscallNumber('execve') !== undefined;
}

const URING_OPS: ReadonlyMap<string, number> = numbersOf(uringOpName, URING_OPS_MAX);

/** The number of an io_uring operation: `openat` is 18. */
export function uringOpNumber(name: string): number | undefined {
  return URING_OPS.get(name);
}

export const URING_OP_NAMES: readonly string[] = [...URING_OPS.keys()];

function numbersOf(nameOf: (number: number) => string | undefined, count: number): Map<string, number> {
  const numbers = new Map<string, number>();
  for (let number = 0; number < count; number += 1) {
    const name = nameOf(number);
    if (name !== undefined && !numbers.has(name)) numbers.set(name, number);
  }
  return numbers;
}

const ARCHITECTURES: Readonly<Record<string, number>> = {
  x86_64: 0xc000_003e,
  i386: 0x4000_0003,
  i486: 0x4000_0003,
  i586: 0x4000_0003,
  i686: 0x4000_0003,
  aarch64: 0xc000_00b7,
  arm: 0x4000_0028,
  ppc64le: 0xc000_0015,
  ppc64: 0x8000_0015,
  ppc: 0x14,
  s390x: 0x8000_0016,
  s390: 0x16,
};

/** The audit number of `b64`, `b32`, `x86_64`, `c000003e`, `0xc000003e` or the decimal number; undefined when it is none. */
export function architectureNumber(text: string, machine: RuleMachine): number | undefined {
  const is64 = (number: number): boolean => number >= 0x8000_0000;
  if (text === 'b64' || text === 'b32') {
    return machine.architectures.find(({ auditNumber }) => is64(auditNumber) === (text === 'b64'))?.auditNumber;
  }
  if (Object.hasOwn(ARCHITECTURES, text)) return ARCHITECTURES[text];
  const number = /^0x[0-9a-f]{1,8}$/i.test(text) || /^[0-9]{1,10}$/.test(text) ? Number(text) : hexNumber(text);
  if (number === undefined) return undefined;
  const hex = number.toString(16);
  return architectureName(hex) === hex ? undefined : number;
}

function hexNumber(text: string): number | undefined {
  return /^[0-9a-f]{8}$/i.test(text) ? Number.parseInt(text, 16) : undefined;
}

const ERRNO_NUMBERS: ReadonlyMap<string, number> = new Map(
  ERRNOS.split(' ').flatMap((name, number) => (name === '-' ? [] : [[name, number] as const])),
);
const ERRNO_ALIASES: Readonly<Record<string, string>> = { EWOULDBLOCK: 'EAGAIN', EDEADLOCK: 'EDEADLK' };

/** 13 for `EACCES`. */
export function errnoNumber(name: string): number | undefined {
  return ERRNO_NUMBERS.get(Object.hasOwn(ERRNO_ALIASES, name) ? (ERRNO_ALIASES[name] as string) : name);
}

/** 1300 for `SYSCALL`, `syscall` and `UNKNOWN[1300]`. */
export function messageTypeNumber(name: string): number | undefined {
  return recordTypeNumber(name.toUpperCase());
}
