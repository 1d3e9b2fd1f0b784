// What a collector is started with and what it says while it runs: the whole surface that the command line and the
// supervisor see, besides `startCollector` itself (collector.ts).
import type { RulesProfile } from './audit-rules/default-rules.ts';
import type { LimitOptions } from './limits.ts';
import type { Compression } from './ship/body-coding.ts';
import type { Destination } from './ship/destination.ts';
import type { TlsFiles } from './ship/tls-files.ts';

/** Where the audit records come from. `auto`: kernel, else multicast, else the recorded host. */
export type SourceOptions =
  | { readonly kind: 'auto' }
  | { readonly kind: 'kernel' }
  | { readonly kind: 'multicast' }
  /** `file`: lines of `type=X msg=audit(…)`; without it the recorded host that ships with Vedette. `speed`: 2 plays twice as fast. */
  | { readonly kind: 'recording'; readonly file?: string; readonly speed?: number }
  | FileSourceOptions;

/** Logs that another program writes, followed (docs/collector.md, "Sources"). */
export interface FileSourceOptions {
  readonly kind: 'file';
  /** Paths, and patterns of `*` and `?`. */
  readonly files: readonly string[];
  /** Whose logs they are: this machine's, or those of another host, which is enrolled under that id. */
  readonly host: 'this' | { readonly id: string; readonly name: string };
  /** Where a file that was never read is begun. */
  readonly start: 'beginning' | 'end';
}

export interface CollectorOptions {
  /** The data folder of the installation; the collector keeps its own in `collector/` under it. */
  readonly dataFolder: string;
  readonly server: {
    /** `http://127.0.0.1:8686` or https. */
    readonly url: string;
    /** A file that holds the host's token; without it one is got by enrolment and kept in the collector's folder. */
    readonly tokenFile?: string;
    /** A file that holds the enrolment secret; it may appear later than the collector starts. */
    readonly enrollmentSecretFile?: string;
    readonly enrollmentSecret?: string;
    /** More servers of the same store, for when the first one fails. */
    readonly others?: readonly string[];
    /** `elasticsearch`: straight into a cluster's daily indices, with an API key that may create documents. */
    readonly destination?: Destination;
    /** Elasticsearch: the API key in its base64 form, or a file that holds it. */
    readonly apiKey?: string;
    readonly apiKeyFile?: string;
    readonly tls?: TlsFiles;
    /** `auto`: none on the same host, zstd where the server says that it takes it, else gzip. */
    readonly compression?: Compression;
  };
  readonly source: SourceOptions;
  /** Processes whose calls are not audited: a server on the same machine. The collector itself always is one of them. */
  readonly excludePids?: readonly number[];
  /** Which rules are loaded (docs/audit-rules.md). `none`: only those of `rulesFiles`. */
  readonly rulesProfile?: RulesProfile;
  /** Files of audit rules in auditctl’s words, and folders of them; before those of the profile. */
  readonly rulesFiles?: readonly string[];
  /** Whether rules of ours that somebody deletes are loaded again; true when absent. */
  readonly mendsRules?: boolean;
  /** Added to every rule as `-F` would: `uid=4242` or `exe=/usr/bin/x`; several with commas. */
  readonly rulesScope?: string;
  /** Descriptors that were handed to this process; an audit socket among them is read, with what queued in it. */
  readonly inheritedDescriptors?: readonly number[];
  /** systemd's notification socket (NOTIFY_SOCKET): its store keeps the audit socket over a restart. */
  readonly notifySocket?: string;
  /** Files that are the collector's besides its folder (its configuration): a change of them is told. */
  readonly ownFiles?: readonly string[];
  /** Cap of the spool on disk, bytes; see collector/spool/spool-limits.ts for the default. */
  readonly spoolBytesMax?: number;
  /** Events that wait longer are given up, ms. */
  readonly spoolAgeMsMax?: number;
  /** Whether `process.hash.sha256` is told of what runs; false when absent. */
  readonly hashesExecutables?: boolean;
  /** What the process may cost where no service manager limits it (limits.ts); without it, nothing is given up. */
  readonly limits?: LimitOptions;
  /** What people should know, as it happens. */
  readonly onNotice?: (notice: Notice) => void;
  /** The collector's clock, epoch ms. The reader's thread uses the real one. */
  readonly now: () => number;
}

export interface Notice {
  readonly level: 'info' | 'warning' | 'error';
  /** Stable, for programs: `owned-by`, `rule-refused`, `events-lost`, `token-refused`, `spool-full`, … */
  readonly code: string;
  /** One sentence for people; may hold text of other processes: escape before it meets a terminal. */
  readonly text: string;
}

/** Why the kernel's audit stream cannot be had as asked. */
export type Refusal =
  /** Another process owns the unicast socket. */
  | { readonly kind: 'owned-by'; readonly pid: number; readonly name: string }
  /** CAP_AUDIT_CONTROL (kernel) or CAP_AUDIT_READ (multicast) is missing. */
  | { readonly kind: 'no-permission' }
  /** The kernel has no audit, or this is a container that does not see it. */
  | { readonly kind: 'no-audit' }
  /** Another collector uses this data folder. */
  | { readonly kind: 'folder-in-use' }
  /** Anything else, with the system's own words. */
  | { readonly kind: 'failed'; readonly reason: string };

/** What a running collector reads from. */
export type Mode =
  | { readonly kind: 'kernel'; readonly rules: number; readonly isLocked: boolean }
  | { readonly kind: 'multicast'; readonly owner: { readonly pid: number; readonly name: string } | undefined }
  | { readonly kind: 'recording'; readonly file: string }
  | { readonly kind: 'file'; readonly files: readonly string[] };

/** Figures of a running collector; also the content of its status documents. */
export interface CollectorFigures {
  readonly records: number;
  readonly events: number;
  readonly spooled: number;
  readonly delivered: number;
  readonly rejected: number;
  readonly spoolBytes: number;
  /** Sums of the loss records made since the start. */
  readonly lostAtLeast: number;
  readonly position: number;
  readonly deliveredPosition: number;
}

export interface Collector {
  readonly mode: Mode;
  /** The sources that were tried before, and why each was refused; empty when the first one was had. */
  readonly refused: readonly { readonly source: 'kernel' | 'multicast'; readonly refusal: Refusal }[];
  readonly host: { readonly id: string; readonly name: string };
  /** Replaces the excluded processes (a server that was started again has another pid). */
  excludePids(pids: readonly number[]): void;
  figures(): CollectorFigures;
  /** Settles with a reason when the collector stopped by itself (its thread died), never when closed. */
  readonly failed: Promise<string>;
  /** Stops within 3 s: flushes, ships once more, signs off, puts the kernel back. May be called twice. */
  close(): Promise<void>;
}

export type CollectorStart =
  | { readonly kind: 'started'; readonly collector: Collector }
  | { readonly kind: 'refused'; readonly refusal: Refusal };
