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

/** A process as lineage knows it: which one it is, and the program it runs. Never changes once given. */
export interface ProcessInfo {
  readonly pid: number;
  readonly entityId: string;
  readonly name: string;
  readonly executable: string | undefined;
  readonly args: readonly string[] | undefined;
  /** When it started, epoch ms, where that is known. */
  readonly startMs?: number | undefined;
  /** Of the file that it runs, lower-case hex. */
  readonly sha256?: string | undefined;
  /** The script that an interpreter runs. */
  readonly script?: string | undefined;
}

/** The container that a process runs in, as its cgroup names it. */
export interface ContainerInfo {
  readonly id: string | undefined;
  /** docker, containerd, cri-o, podman, lxc, systemd-nspawn; undefined where the cgroup does not say. */
  readonly runtime: string | undefined;
  readonly name: string | undefined;
  readonly imageName: string | undefined;
  readonly pod:
    | { readonly uid: string; readonly name: string | undefined; readonly namespace: string | undefined }
    | undefined;
}

/** What is known of an acting process. The same object as long as nothing of it changed: writers remember its text. */
export interface Lineage {
  readonly process: ProcessInfo | undefined;
  /** The parent that the kernel names now; left out, it is the first ancestor if that has the pid. */
  readonly parent?: ProcessInfo | undefined;
  /** By birth, the nearest first: who is given a new parent because its own ended keeps it here. */
  readonly ancestors: readonly ProcessInfo[];
  /** The ancestors reach pid 1 or the kernel. */
  readonly isComplete: boolean;
  readonly sessionLeader?: ProcessInfo | undefined;
  /** Programs that ran in this very process before, the oldest first, where the parent does not tell the same. */
  readonly previous?: readonly ProcessInfo[];
  readonly container?: ContainerInfo | undefined;
}

/** What only the event's own host knows. Absent where another host's lines are read. */
export interface HostKnowledge {
  userName(uid: number): string | undefined;
  groupName(gid: number): string | undefined;
  /** A number that changes whenever a name may have changed; without it names are asked for each time. */
  namesVersion?(): number;
  /** The uid of an account that a program named, where it is known. */
  userId?(name: string): number | undefined;
  /** `ppid` as the record has it; undefined where it has none. */
  lineage(pid: number, ppid: number | undefined): Lineage | undefined;
  /** What an exec's records say of the program that the process runs from now on: for the documents to come. */
  execed?(args: readonly string[], script: string | undefined): void;
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
