// Whether a collector can watch this host, and what it would miss: asked before an installation, changes nothing. What was found out
// (facts) and what follows from it (findings) stand apart, so that each finding is tested without a kernel that is like that.
import { readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import { readStat } from './lineage/proc.ts';
import { openAuditControl } from './netlink/audit-control.ts';
import { ERRNO } from './netlink/libc.ts';

/** Bits of the effective set, as linux/capability.h numbers them. */
const CAPABILITIES = { NET_ADMIN: 12, SYS_PTRACE: 19, AUDIT_CONTROL: 30, AUDIT_READ: 37 } as const;
type Capability = keyof typeof CAPABILITIES;

export interface HostFacts {
  readonly kernelRelease: string;
  readonly capabilities: ReadonlySet<Capability>;
  readonly audit:
    | { readonly kind: 'status'; readonly enabled: number; readonly owner: HostOwner | undefined }
    | { readonly kind: 'errno'; readonly errno: number };
  /** Whether processes of others are to be seen in /proc, and whether their programs are. */
  readonly proc: { readonly seesProcesses: boolean; readonly seesPrograms: boolean };
  /** The most that a socket's queue may hold without CAP_NET_ADMIN, bytes. */
  readonly queueBytesMax: number | undefined;
}

interface HostOwner {
  readonly pid: number;
  readonly name: string;
}

export interface Finding {
  /** `problem`: nothing can be watched. `limit`: something will be missing. */
  readonly level: 'fine' | 'limit' | 'problem';
  readonly code: string;
  readonly text: string;
}

const LOCKED = 2;
/** `vedette-collector`, as long as the kernel keeps a name. */
const OWN_NAME = 'vedette-collect';
/** Holds some 20,000 records. */
const QUEUE_BYTES_GOOD = 8 * 1024 ** 2;

/** Asks the kernel and /proc; waits for nothing. */
export function readHostFacts(procFolder = '/proc'): HostFacts {
  return {
    kernelRelease: release(),
    capabilities: effectiveCapabilities(textOf(`${procFolder}/self/status`)),
    audit: auditFacts(),
    proc: {
      seesProcesses: readStat(1, procFolder) !== undefined,
      seesPrograms: isReadableLink(`${procFolder}/1/exe`),
    },
    queueBytesMax: numberOf(textOf(`${procFolder}/sys/net/core/rmem_max`)),
  };
}

/** What follows from the facts; a `problem` among them means that the collector would refuse to start. */
export function findingsOf(facts: HostFacts): readonly Finding[] {
  return [auditFinding(facts), ...procFindings(facts), ...queueFindings(facts)];
}

/** The capabilities that matter here, of the text of /proc/PID/status. */
export function effectiveCapabilities(status: string | undefined): ReadonlySet<Capability> {
  const bits = BigInt(`0x${/^CapEff:\s*([0-9a-f]{1,16})$/m.exec(status ?? '')?.[1] ?? '0'}`);
  const names = Object.keys(CAPABILITIES) as Capability[];
  return new Set(names.filter((name) => (bits >> BigInt(CAPABILITIES[name])) % 2n === 1n));
}

function auditFacts(): HostFacts['audit'] {
  const opened = openAuditControl();
  if (opened.kind === 'errno') return opened;
  const status = opened.value.status();
  opened.value.close();
  if (status.kind === 'errno') return status;
  const { enabled, pid } = status.value;
  return { kind: 'status', enabled, owner: pid === 0 ? undefined : { pid, name: readStat(pid)?.name ?? '' } };
}

function auditFinding({ audit, capabilities, kernelRelease }: HostFacts): Finding {
  const canListen = capabilities.has('AUDIT_READ');
  if (audit.kind === 'errno') {
    const code = -audit.errno;
    const isForbidden = code === ERRNO.EPERM || code === ERRNO.EACCES;
    if (isForbidden && canListen) {
      const text = 'CAP_AUDIT_CONTROL is missing: the collector can listen beside an audit daemon, and loads no rules.';
      return { level: 'limit', code: 'listen-only', text };
    }
    const text = isForbidden
      ? 'CAP_AUDIT_CONTROL and CAP_AUDIT_READ are missing: run it as root, or by the service that the package brings.'
      : `The kernel (${kernelRelease}) has no audit here (errno ${code}): it is built or booted without, or this is a container.`;
    return { level: 'problem', code: isForbidden ? 'no-permission' : 'no-audit', text };
  }
  if (audit.owner?.name === OWN_NAME && canListen) {
    const text = `A Vedette collector (pid ${audit.owner.pid}) watches this host already: a second one would listen beside it.`;
    return { level: 'limit', code: 'watched-already', text };
  }
  if (audit.owner !== undefined) {
    const who = `${audit.owner.name} (pid ${audit.owner.pid}) owns the audit socket`;
    if (!canListen)
      return { level: 'problem', code: 'owned-by', text: `${who}, and to listen beside it takes CAP_AUDIT_READ.` };
    return {
      level: 'limit',
      code: 'owned-by',
      text: `${who}: the collector would listen beside it and load no rules.`,
    };
  }
  if (audit.enabled === LOCKED) {
    const text = 'The audit rules are locked until the next boot: the collector would read what they ask for.';
    return { level: 'limit', code: 'locked', text };
  }
  return {
    level: 'fine',
    code: 'audit',
    text: `Linux ${kernelRelease}: the audit socket is free, rules can be loaded.`,
  };
}

function procFindings({ proc, capabilities }: HostFacts): readonly Finding[] {
  if (!proc.seesProcesses) {
    const text = '/proc hides the processes of others (hidepid): parents are known only from what is audited.';
    return [{ level: 'limit', code: 'proc-hidden', text }];
  }
  if (!proc.seesPrograms && !capabilities.has('SYS_PTRACE')) {
    const text =
      'CAP_SYS_PTRACE is missing: programs that ran before the collector are known by name, not by path, until they are audited.';
    return [{ level: 'limit', code: 'programs-hidden', text }];
  }
  return [{ level: 'fine', code: 'proc', text: 'Processes and their programs are to be seen in /proc.' }];
}

function queueFindings({ capabilities, queueBytesMax }: HostFacts): readonly Finding[] {
  if (capabilities.has('NET_ADMIN') || queueBytesMax === undefined || queueBytesMax >= QUEUE_BYTES_GOOD) return [];
  const text = `The socket's queue holds ${queueBytesMax} bytes at the most (net.core.rmem_max); the kernel's own backlog stands behind it. Raise it to ${QUEUE_BYTES_GOOD} where floods are to be expected.`;
  return [{ level: 'limit', code: 'small-queue', text }];
}

function isReadableLink(path: string): boolean {
  try {
    return readlinkSync(path) !== '';
  } catch {
    return false;
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

function numberOf(text: string | undefined): number | undefined {
  const number = Number(text?.trim() || Number.NaN);
  return Number.isSafeInteger(number) ? number : undefined;
}
