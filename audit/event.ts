// An audit event in its three shapes: records as they came, the reassembled event, and what only its host can add.

/** Where the records came from decides what may be added to them: never this host's names to another host's lines. */
export interface AuditRecord {
  /** The kernel's number: 1300 SYSCALL, 1309 EXECVE, … */
  readonly type: number;
  /** Kernel stamp, epoch ms. */
  readonly timeMs: number;
  /** 32 bits; wraps; restarts at boot. */
  readonly serial: number;
  /** `audit(1795290423.932:2713787): arch=…` in latin1: one character a byte, exactly as received, without padding and final NULs. */
  readonly text: string;
  /** The `node=` prefix of a log line, or undefined. */
  readonly node: string | undefined;
}

/** Records of one (time, serial, node), in order of arrival, without EOE. */
export interface AuditEvent {
  readonly timeMs: number;
  readonly serial: number;
  readonly node: string | undefined;
  readonly records: readonly AuditRecord[];
  /** CRC-32 as event/id.ts has it. */
  readonly crc: number;
  /** Why the reassembler knows it to lack records (`timeout`, `missing-syscall`, …); the document adds what decoding finds
   * (`missing-path`, `missing-argument`). */
  readonly incomplete: readonly string[];
  /** True when its event was closed before these records came. */
  readonly isFragment: boolean;
  /** The closed event's `crc`, for a fragment: with it its id can be told. */
  readonly fragmentOf?: number;
}

/** A process as lineage knows it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly entityId: string;
  readonly name: string;
  readonly executable: string | undefined;
  readonly args: readonly string[] | undefined;
}

/** What only the event's own host knows. Absent where another host's lines are read. */
export interface HostKnowledge {
  userName(uid: number): string | undefined;
  groupName(gid: number): string | undefined;
  /** The uid of an account that a program named, where it is known. */
  userId?(name: string): number | undefined;
  /** The acting process, its parent and further ancestors (the parent first). `isComplete`: the chain reaches pid 1 or the kernel. */
  lineage(
    pid: number,
    ppid: number,
  ):
    | {
        readonly process: ProcessInfo | undefined;
        readonly ancestors: readonly ProcessInfo[];
        readonly isComplete: boolean;
      }
    | undefined;
}

/** The host's identity, as it stands in every document. */
export interface HostIdentity {
  readonly id: string;
  readonly name: string;
  readonly bootId: string;
  /** Further ECS fields of `host` and `agent`, nested, constant while the collector runs. */
  readonly host?: Readonly<Record<string, unknown>>;
  readonly agent?: Readonly<Record<string, unknown>>;
}
