// The operational state's port: what is small and transactional. One SQLite file holds it (node:sqlite); `commit` is one
// transaction, so a kill at any moment leaves cursor, state, detections and outbox in step (docs/architecture.md).
import type { Alert, AlertStatus, Amendment, Detection, Gap, Grouped, Notification } from '../../event/detection.ts';
import type { Progress } from '../../event/progress.ts';

/** Everything that one step of the engine changes. */
export interface Commit {
  /** The follower's place after this step. */
  readonly cursor: string;
  /** Entries of the fold's state that changed: text by key; undefined removes. */
  readonly state: ReadonlyMap<string, string | undefined>;
  /** Detections that are stored, and were changed by events that came late. Applied before `detections`. */
  readonly amended?: readonly Amendment[];
  /** What came too late to be computed; kept with the detections. */
  readonly gaps?: readonly Gap[];
  /** New detections, and those whose decision was made in this step; by id, the later write wins. */
  readonly detections: readonly Detection[];
  /** New and changed alerts; a stored status set by a person is kept. */
  readonly alerts: readonly Alert[];
  /** Into which messages alerts come; applied after `alerts`. A later write wins. */
  readonly grouped?: readonly Grouped[];
  /** Notifications to send. An id that is known already is not queued again. */
  readonly outbox: readonly Notification[];
  /**
   * True: were it lost, the same would be made again of what the store holds, and nobody was told of it. Then no disk is waited for: it is
   * durable no later than the next write that is not so.
   */
  readonly isRepeatable?: boolean;
}

export interface EngineStatePort {
  loadCursor(): string | undefined;
  loadState(): ReadonlyMap<string, string>;
  commit(commit: Commit): void;
}

/** A change of what was in force, and from which event time (`event.created`, epoch ms) it holds. */
export type ControlChange = RulesInForce | RuleQuarantined | RuleReleased | RuleCaughtUp;
export type ControlEntry = ControlChange & { readonly seq: number };

interface RulesInForce {
  readonly kind: 'rules';
  readonly fromMs: number;
  /** The whole set in force from then on. */
  readonly rules: readonly { readonly id: string; readonly version: string }[];
}

/** A rule version that judges nothing from then on, as it cost too much (engine/containment.ts). */
interface RuleQuarantined {
  readonly kind: 'quarantine';
  readonly fromMs: number;
  readonly ruleId: string;
  readonly ruleVersion: string;
  /** Only events of this host; null: of every host. */
  readonly hostId: string | null;
  readonly reason: string;
  /** The server's clock, epoch ms. */
  readonly atMs: number;
}

interface RuleReleased {
  readonly kind: 'release';
  readonly fromMs: number;
  /** `seq` of the quarantine that ends. */
  readonly quarantine: number;
  readonly by: string;
  readonly atMs: number;
}

/** The released rule has judged what it missed: as if the quarantine had never been. */
interface RuleCaughtUp {
  readonly kind: 'caught-up';
  readonly fromMs: number;
  readonly quarantine: number;
}

export interface ControlLogPort {
  entries(): readonly ControlEntry[];
  /** Appends; `sources` holds the text by version of every rule of the entry that is new. */
  append(change: ControlChange, sources: ReadonlyMap<string, string>): ControlEntry;
  /** The source that was stored under a rule version, or undefined. */
  source(version: string): string | undefined;
}

export interface OutboxEntry {
  readonly notification: Notification;
  readonly attempts: number;
  /** Not before, epoch ms of the server's clock. */
  readonly dueMs: number;
  /** Of a follow-up: how the notification stands that it answers. */
  readonly repliesTo?: { readonly isSent: boolean; readonly reference: string | undefined };
}

/** How an attempt went: `retry` with the time of the next one, or an end. */
export type SendOutcome =
  /** `reference`: what the channel calls the message, for those that answer it. */
  | { readonly kind: 'sent'; readonly atMs: number; readonly reference?: string }
  | { readonly kind: 'retry'; readonly dueMs: number; readonly error: string }
  | { readonly kind: 'failed'; readonly atMs: number; readonly error: string };

export interface OutboxPort {
  /** Unsent notifications of one channel that are due at `nowMs`, oldest first; without those that answer an unsent one. */
  due(channel: string, nowMs: number, limit: number): readonly OutboxEntry[];
  /** The channels that have unsent notifications, configured or not. */
  pendingChannels(): readonly string[];
  record(notificationId: string, outcome: SendOutcome): void;
  counts(): { readonly pending: number; readonly sent: number; readonly failed: number };
}

interface AlertFilter {
  readonly sinceMs?: number;
  readonly status?: AlertStatus;
  readonly ruleId?: string;
  /** Only alerts of this message. */
  readonly groupId?: string;
  readonly limit: number;
}

/** How a notification of an alert stands, for people. */
export interface NotificationRecord {
  readonly id: string;
  readonly channel: string;
  readonly reason: string;
  readonly state: 'pending' | 'sent' | 'failed';
  readonly attempts: number;
  readonly atMs: number | undefined;
  readonly error: string | undefined;
}

export interface AlertBookPort {
  /** Newest first. */
  list(filter: AlertFilter): readonly Alert[];
  get(id: string): Alert | undefined;
  detectionsOf(alertId: string, limit: number): readonly Detection[];
  detection(id: string): Detection | undefined;
  /** Those that this event completed, of every rule. */
  detectionsOfEvent(eventId: string, limit: number): readonly Detection[];
  /** Of an alert, or of a group of them. */
  notificationsOf(alertId: string): readonly NotificationRecord[];
  setStatus(id: string, status: AlertStatus): boolean;
  /** What came too late to be computed, the newest first. */
  gaps(limit: number): readonly Gap[];
  /** Every detection of a time range of `event.created`, in reference order: what `backtest` compares with. */
  detections(fromMs: number, untilMs: number): Iterable<Detection>;
}

export type Role = 'host' | 'importer' | 'reader' | 'admin';

export interface Account {
  /** For a host its `host.id`; else a name. */
  readonly id: string;
  readonly role: Role;
  readonly isRevoked: boolean;
  readonly createdMs: number;
}

/** Accounts. Tokens are kept as SHA-256 only. */
export interface AccountPort {
  byTokenHash(hash: string): Account | undefined;
  byId(id: string): Account | undefined;
  /** Creates or, for a known id, replaces the token and lifts a revocation. */
  put(account: Account, tokenHash: string): void;
  revoke(id: string): boolean;
  list(): readonly Account[];
}

export interface HostRecord {
  readonly id: string;
  readonly name: string;
  readonly firstSeenMs: number;
  /** Server's clock at its last request. */
  readonly lastSeenMs: number;
  /** `event.created` up to which it is complete, and where that stands; undefined before its first progress. */
  readonly progress: Progress | undefined;
  /** Since when it is silent, or undefined while it speaks. */
  readonly silentSinceMs: number | undefined;
  readonly isSignedOff: boolean;
  /** Counters by name: events, duplicates, rejected, foreign_host, … */
  readonly counters: Readonly<Record<string, number>>;
  /** Its own, in place of the configured one. */
  readonly quota?: Quota;
}

/** How much a host may send; what is absent is not limited. */
export interface Quota {
  readonly eventsPerSecond?: number;
  /** After decompression. */
  readonly bytesPerSecond?: number;
  /** So many seconds' worth may come at once. */
  readonly burstS?: number;
}

export interface HostBookPort {
  list(): readonly HostRecord[];
  get(id: string): HostRecord | undefined;
  put(host: HostRecord): void;
  /** All of them in one transaction: thousands of hosts speak every few seconds. */
  putAll(hosts: readonly HostRecord[]): void;
}

/** Records of one event that came in one request. */
export interface OpenRecordsPart {
  /** Which event of the host. */
  readonly key: string;
  /** True once the event is stored. */
  readonly isStored: boolean;
  readonly json: string;
}

/** Records that were acknowledged before their event was whole. */
export interface OpenRecordsPort {
  /** The hosts that have any. */
  hosts(): readonly string[];
  /** Those of a host, in the order in which they came. */
  of(hostId: string): readonly OpenRecordsPart[];
  /** In one transaction, durable when it returns. */
  change(
    hostId: string,
    change: {
      readonly added: readonly { readonly key: string; readonly json: string }[];
      readonly stored: readonly string[];
      readonly removed: readonly string[];
    },
  ): void;
}

/** A range of events that retention may not touch, and who said so. Times in epoch ms; `until` exclusive. */
export interface HoldRecord {
  readonly id: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** `host.id`, or undefined for every host's events. */
  readonly hostId: string | undefined;
  readonly reason: string;
  readonly addedBy: string;
  readonly addedMs: number;
  /** Undefined while it is in force. A released hold stays on record. */
  readonly released: { readonly by: string; readonly atMs: number; readonly why: string } | undefined;
}

export interface HoldPort {
  /** All that ever were, oldest first. */
  list(): readonly HoldRecord[];
  add(hold: Omit<HoldRecord, 'id' | 'released'>): HoldRecord;
  /** The released hold; undefined where none of this id is in force. */
  release(id: string, released: NonNullable<HoldRecord['released']>): HoldRecord | undefined;
}
