// What a server is started with, and what it gives back: all that the command line reads from vedette.yaml and the environment
// comes in here, so nothing below reads either. Secrets are given as text, and no part of the server repeats them.
import type { Writable } from 'node:stream';
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { EventStore } from '../store/port.ts';
import type { SharedDocuments } from '../store/shared/shared-documents.ts';
import type { Quota } from '../store/state/state-port.ts';

export const DEFAULT_HOST = '127.0.0.1';
export const DEFAULT_PORT = 8686;
/** A host that has said nothing for so long is silent, ms. */
export const DEFAULT_SILENCE_AFTER_MS = 90_000;
export const DEFAULT_RETENTION_DAYS = 30;
export const DEFAULT_COLD_AFTER_MS: number = 2 * 86_400_000;
export const DEFAULT_LOW_DISK_BYTES: number = 2 * 1024 * 1024 * 1024;
/** How long the fold waits for a host that holds others back, ms of the server's clock (docs/architecture.md). */
export const DEFAULT_LATENESS_MS = 10_000;

export type StoreOptions =
  | { readonly kind: 'memory' }
  /** One that is open already; the server closes it. */
  | { readonly kind: 'given'; readonly store: EventStore }
  /** Under `<dataFolder>/store`. */
  | { readonly kind: 'embedded' }
  | {
      readonly kind: 'elasticsearch';
      readonly node: string | readonly string[];
      readonly period?: 'day' | 'hour';
      readonly settings?: {
        readonly mode?: 'auto' | 'logsdb' | 'standard';
        readonly shards?: number;
        readonly replicas?: number;
        readonly refreshMs?: number;
      };
      readonly apiKey?: string;
      readonly username?: string;
      readonly password?: string;
      /** PEM file of the certificate authority, where it is not one that the system knows. */
      readonly caFile?: string;
    };

export interface RuleFolder {
  readonly path: string;
  readonly kind: 'shipped' | 'own';
}

interface SlackOptions {
  readonly token: string;
  readonly channel: string;
  /** Another API root, for a proxy or a test; Slack's own when absent. */
  readonly apiUrl?: string;
}

interface EmailOptions {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; else STARTTLS where the server offers it. */
  readonly secure: boolean;
  readonly user?: string;
  readonly password?: string;
  readonly from: string;
  readonly to: readonly string[];
}

interface WebhookOptions {
  readonly url: string;
  /** Signs each request (HMAC-SHA256); unsigned when absent. */
  readonly secret?: string;
}

export interface ChannelOptions {
  /** Where alerts are printed; no terminal channel when absent. */
  readonly terminal?: {
    readonly writable: Writable;
    readonly isTty?: boolean;
    /** One line of JSON an alert, in place of the block for people. */
    readonly isJson?: boolean;
    readonly commandOf?: (alertId: string) => string;
  };
  readonly slack?: SlackOptions;
  readonly email?: EmailOptions;
  readonly webhook?: WebhookOptions;
}

/** What the server has to say to who runs it. `message` is one line of plain text; hostile parts are made visible. */
export interface ServerNotice {
  readonly kind: 'listening' | 'rules' | 'host' | 'store' | 'alerts' | 'retention' | 'warning' | 'error';
  readonly message: string;
}

/** What the store lets go of. */
export interface RetentionOptions {
  /** Events that are older go. */
  readonly days: number;
  /** Of the embedded store: the oldest go until it is no larger. */
  readonly bytesMax?: number;
  /** Of the embedded store: with less room on its disk this is said, and the oldest go if they may. */
  readonly lowDiskBytes?: number;
  /** Events younger than this never go for want of room; when absent, none do. */
  readonly lowDiskKeepMs?: number;
}

export interface ServerOptions {
  /** The product's version, for answers and for people. */
  readonly version: string;
  /** Made when missing. One server per folder at a time. */
  readonly dataFolder: string;
  readonly host?: string;
  /** 0: any free port. */
  readonly port?: number;
  readonly store: StoreOptions;
  /** Shipped rules first: a later folder's lists win over an earlier one's. */
  readonly ruleFolders: readonly RuleFolder[];
  /** True: own rule folders are read again whenever something in them changes. */
  readonly watchesRules?: boolean;
  readonly channels: ChannelOptions;
  /** Rules are evaluated by processes of their own (server/shared/), which share out so many groups of them. Needs Elasticsearch. */
  readonly sharing?: {
    readonly groups: number;
    /** Instead of those in the configured cluster; the server closes them. */
    readonly documents?: SharedDocuments;
  };
  /** How much each host may send, where it has no quota of its own. */
  readonly quota?: Quota;
  /** A second listener, for senders on other hosts. */
  readonly tls?: TlsOptions;
  readonly retention?: Partial<RetentionOptions>;
  /** Of the embedded store: after its period is over by so much, a partition is rewritten as Parquet, ms. */
  readonly coldAfterMs?: number;
  readonly silenceAfterMs?: number;
  readonly latenessMs?: number;
  /** True: events that an importer wrote meet the live rules too. */
  readonly alertOnImports?: boolean;
  /** The server's clock, epoch ms. */
  readonly now: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}

export interface TlsOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** PEM, the chain after the certificate. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** Where the server keeps the tokens that it made for itself at its first start; each file 0600, one line. */
export interface SecretFiles {
  readonly adminToken: string;
  readonly readerToken: string;
  readonly importerToken: string;
  readonly enrollmentSecret: string;
}

export interface RunningServer {
  /** `http://127.0.0.1:8686` */
  readonly url: string;
  readonly port: number;
  /** Where it speaks TLS, if it does. */
  readonly tlsPort: number | undefined;
  readonly secretFiles: SecretFiles;
  /** How many rules are in force, and what was wrong with the files. */
  rules(): { readonly loaded: number; readonly diagnostics: readonly Diagnostic[] };
  /** Reads the rule folders again (SIGHUP). Broken files leave the other rules in force. */
  reloadRules(): Promise<{ readonly loaded: number; readonly diagnostics: readonly Diagnostic[] }>;
  /** Stops listening, finishes what is in flight, commits, closes store and state. May be called twice. */
  close(): Promise<void>;
}

/** The server cannot start, for a reason that who runs it can do something about. */
export class ServerStartError extends Error {
  readonly code:
    | 'port-taken'
    | 'folder-taken'
    | 'folder-unusable'
    | 'store-unusable'
    | 'tls-unusable'
    | 'sharing-unusable';
  readonly remedy: string;
  constructor(code: ServerStartError['code'], message: string, remedy: string) {
    super(message);
    this.name = 'ServerStartError';
    this.code = code;
    this.remedy = remedy;
  }
}

/** Where a server with this data folder keeps its tokens. */
export function secretFilesOf(dataFolder: string): SecretFiles {
  const folder = `${dataFolder}/server`;
  return {
    adminToken: `${folder}/admin.token`,
    readerToken: `${folder}/reader.token`,
    importerToken: `${folder}/importer.token`,
    enrollmentSecret: `${folder}/enrollment.secret`,
  };
}
