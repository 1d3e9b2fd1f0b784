// What is measured: a collector of some make, running in a cgroup of its own, whose events are counted from outside.
import type { Cgroup } from './cgroup.ts';

export interface Running {
  /** Events of the load's user that are on its disk or at its server by now. */
  events(): Promise<number>;
  /** Bytes that it has written to disk or sent by now. */
  bytes(): Promise<number>;
  /** What it told as lost by now, at the least and at the most. */
  named?(): Promise<{ readonly namedAtLeast: number; readonly namedAtMost: number }>;
  /** What must be said of the run: the encoding that was used. */
  note?(): Promise<string | undefined>;
  stop(): Promise<void>;
}

export interface Subject {
  readonly name: string;
  /** Starts it with the audit rules given, in auditctl's words; one that has its own ignores them. */
  start(cgroup: Cgroup, rules: readonly string[]): Promise<Running>;
}
