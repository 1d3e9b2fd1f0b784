// The HTTP API's shapes, all under /api/v1, JSON both ways, bearer token. Roles: `reader` reads, `admin` does all, `importer` may
// write other hosts' events, `host` only its own through `_bulk`. Errors are {"error":{"code","message","remedy"}}.

import type { LiveKeyStanding, RuleHealth } from '../engine/engine.ts';
import type { Alert, AlertStatus, Detection, Gap, Severity } from '../event/detection.ts';
import type { EventDocument } from '../event/document.ts';
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { AggregateResponse, CheckReport, SqlCell, SqlColumn, StoreStatistics } from '../store/port.ts';
import type { HoldRecord, HostRecord, NotificationRecord } from '../store/state/state-port.ts';
import type { GroupStatus } from './shared/engine-replica.ts';

export interface ApiError {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    /** What is wrong with a text that was sent (a query), with its place. */
    readonly diagnostics?: readonly Diagnostic[];
  };
}

/** POST /api/v1/enroll, no token: the enrolment secret is in the body. A known host id needs an admin's bearer token as well, or its token. */
export interface EnrollRequest {
  readonly enrollment_secret: string;
  readonly host: { readonly id: string; readonly name: string };
  /** The token that the host has chosen, so that it may ask again when no answer came; else the server makes one. */
  readonly token?: string;
}
export interface EnrollResponse {
  readonly host_id: string;
  readonly token: string;
}

/** GET /api/v1/status (reader) */
export interface StatusResponse {
  readonly version: string;
  readonly startedMs: number;
  readonly store: StoreStatistics;
  readonly engine: {
    readonly rules: number;
    readonly pendingDetections: number;
    readonly eventsFolded: number;
    /** Messages of rules that group (`alert.group`) which have not left, and the event time at which the next does. */
    readonly gathering?: { readonly messages: number; readonly alerts: number; readonly nextMs: number };
    /** Stored events that the engine has not read yet, as far as is known. */
    readonly behind: number;
    /** For how long the oldest of them has waited, ms. */
    readonly lagMs: number;
    /** The rule that costs most of late, and its share of the engine's one core, 0 to 1; absent while nothing is measured. */
    readonly costliest?: { readonly ruleId: string; readonly share: number };
    /** Where other processes evaluate the rules (`engine.shared`): who evaluates which group of them. */
    readonly groups?: readonly GroupStatus[];
    readonly health: readonly RuleHealth[];
    /** Rules that need a field which no event has had for a week. */
    readonly cannotFire: readonly string[];
    /** Rules that judge nothing for now, or nothing of a host. */
    readonly quarantined: readonly QuarantineApiRecord[];
  };
  readonly outbox: { readonly pending: number; readonly sent: number; readonly failed: number };
  /** Legal holds in force. */
  readonly holds: number;
  readonly channels: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A rule that was found too costly. Times in epoch ms; `fromMs` and `untilMs` are event times (`event.created`). */
export interface QuarantineApiRecord {
  readonly ruleId: string;
  readonly ruleVersion: string;
  /** Absent: the events of every host. */
  readonly hostId?: string;
  readonly reason: string;
  readonly fromMs: number;
  readonly atMs: number;
  readonly untilMs?: number;
  readonly released?: { readonly by: string; readonly atMs: number };
  /** It has judged since what it missed. */
  readonly isCaughtUp: boolean;
}

/** GET /api/v1/rules (reader): the rules in force with their figures, which outlast restarts. */
export interface RulesResponse {
  readonly rules: readonly RuleApiRecord[];
}
export interface RuleApiRecord {
  readonly id: string;
  readonly version: string;
  readonly name: string;
  readonly severity: Severity;
  readonly status: 'off' | 'test' | 'stable';
  readonly kind: string;
  readonly file: string;
  /** What of it wants a look, in words; empty where all is well. */
  readonly notes: readonly string[];
  /** Fields that it needs and no event has had for a week. */
  readonly unseenFields: readonly string[];
  /** Absent of a rule that is off. */
  readonly health?: RuleHealth & { readonly sinceMs: number };
  readonly quarantines: readonly QuarantineApiRecord[];
}

/**
 * GET /api/v1/rules/:id/windows?key=["web1","root"]&limit=N (reader): the live windows of a rule on many events, those seen last first, as they
 * stand at the event time `atMs`. `key`: the values of `by` as a JSON list; only that key.
 */
export interface LiveWindowsResponse {
  readonly ruleId: string;
  readonly atMs: number;
  readonly keys: readonly LiveKeyStanding[];
  /** How many there are; `keys` has 100 at most. */
  readonly keysTotal: number;
}

/** POST /api/v1/rules/:id/release (admin) {"by"?}: ends the rule's quarantines; it judges what it missed, then goes on. */
export interface ReleaseResponse {
  readonly released: readonly QuarantineApiRecord[];
}

/** POST /api/v1/hosts (admin): a token for a shipper. `id` is made of the name where it is missing; a known one needs `replace_token`. */
export interface AddHostRequest {
  readonly id?: string;
  readonly name: string;
  readonly replace_token?: boolean;
}

/** POST /api/v1/hosts/:id/quota (admin). What is absent is not limited; nothing at all: the configured quota holds again. */
export interface HostQuotaRequest {
  readonly events_per_second?: number;
  readonly bytes_per_second?: number;
  readonly burst_s?: number;
}

/** GET /api/v1/hosts (reader); POST /api/v1/hosts/:id/revoke (admin) */
export interface HostsResponse {
  readonly hosts: readonly (HostRecord & {
    readonly isRevoked: boolean;
    readonly state: 'live' | 'silent' | 'signed-off';
  })[];
}

/**
 * GET /api/v1/holds (reader); POST /api/v1/holds (admin) {"fromMs","untilMs","host"?,"reason","by"?};
 * POST /api/v1/holds/:id/release (admin) {"reason"?,"by"?}. `host` is an id or a name, `by` what the token's holder says who they are.
 */
export type HoldApiRecord = Omit<HoldRecord, 'hostId' | 'released'> & {
  readonly hostId?: string;
  readonly released?: NonNullable<HoldRecord['released']>;
};
export interface HoldsResponse {
  readonly holds: readonly HoldApiRecord[];
}
export interface HoldRequest {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly host?: string;
  readonly reason: string;
  readonly by?: string;
}

/** POST /api/v1/store/check (admin) {"isQuick"?}, answered in lines: progress, then the report. */
export type CheckApiReport = CheckReport;

/** GET /api/v1/decisions?event=ID&rule=ID (reader): what became of an event, for each rule of its time that it matched. */
export interface DecisionsResponse {
  readonly decisions: readonly DecisionApiRecord[];
}
export interface DecisionApiRecord {
  readonly ruleId: string;
  readonly ruleVersion: string;
  /**
   * `opened` an alert, `joined` one, `test`: kept by a rule in that status; `excepted`, `quarantined`: hidden before it was a detection; `counted`
   * by a rule on many events, and completed nothing; `waits` for what may still come; `unknown`: nothing is stored.
   */
  readonly decision: Detection['decision'] | 'excepted' | 'quarantined' | 'counted' | 'waits' | 'unknown';
  readonly why: string;
  readonly detectionId?: string;
  readonly alertId?: string;
  readonly groupId?: string;
}

/** GET /api/v1/alerts?since=MS&status=open&rule=ID&group=ID&limit=N (reader) */
export interface AlertsResponse {
  readonly alerts: readonly Alert[];
}

/** GET /api/v1/gaps?limit=N (reader): matches that came too late to be computed with what came after them, the newest first. */
export interface GapsResponse {
  readonly gaps: readonly Gap[];
}

/** GET /api/v1/alerts/:id (reader); POST /api/v1/alerts/:id/status {"status"} (admin) */
export interface AlertResponse {
  readonly alert: Alert;
  /** `why`: what was decided on it, in words. */
  readonly detections: readonly (Detection & { readonly why?: string })[];
  /** Of the message of its group too. */
  readonly notifications: readonly NotificationRecord[];
  readonly event: EventDocument | undefined;
  /** What the rule said when it alerted, made of the rule. */
  readonly sentence?: string;
  /** Its clauses with what the opening event had, in lines. */
  readonly explanation?: readonly string[];
}
export interface AlertStatusRequest {
  readonly status: AlertStatus;
}

/** What every search asks for: `query` in the search language (docs/search.md), times in epoch ms, by `@timestamp`. */
interface Searched {
  readonly query: string;
  readonly sinceMs: number;
  readonly untilMs?: number;
}

export interface FoundEvent {
  readonly id: string;
  /** The whole document; only the fields asked for, under their dotted names, where there is a list of them. */
  readonly document: EventDocument;
}

/**
 * POST /api/v1/search (reader). With `Accept: application/x-ndjson` this and the next three answer in lines: `{"progress":0.5}`,
 * `{"event":FoundEvent}` (search and follow), at last `{"result":…}` without the events, or `{"error":…}`. In lines a search gives
 * as many events as are asked for; in one piece 10,000 at most.
 */
export interface SearchApiRequest extends Searched {
  readonly limit?: number;
  readonly oldestFirst?: boolean;
  readonly fields?: readonly string[];
}
export interface SearchApiResponse {
  readonly total: number;
  readonly isTotalExact: boolean;
  /** What of the query is probably not meant as it was read: a field that no event has. */
  readonly warnings: readonly Diagnostic[];
  readonly events: readonly FoundEvent[];
}

/** POST /api/v1/aggregate (reader): events counted by the values of fields, by time, or both (store/port.ts). */
export interface AggregateApiRequest extends Searched {
  readonly groupBy?: readonly string[];
  readonly bucketMs?: number;
  readonly distinct?: readonly string[];
  readonly limit?: number;
}
export interface AggregateApiResponse extends AggregateResponse {
  readonly warnings: readonly Diagnostic[];
}

/** POST /api/v1/around (reader): what else happened on an event's host, `withinMs` before and after it; those nearest to it. */
export interface AroundApiRequest {
  readonly id: string;
  readonly withinMs?: number;
  readonly query?: string;
  readonly limit?: number;
  readonly fields?: readonly string[];
}
export interface AroundApiResponse {
  readonly id: string;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Oldest first; the event itself is among them, whatever the query. */
  readonly events: readonly FoundEvent[];
  /** False where there are more than `limit`. */
  readonly isComplete: boolean;
  readonly warnings: readonly Diagnostic[];
}

/** POST /api/v1/tree (reader): a process with all its ancestors and descendants. `id` is an entity id or an event's. */
export interface TreeApiRequest {
  readonly id: string;
  /** Descendants that did something after this time; when absent, since the process began. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly limit?: number;
}
export interface TreeApiResponse {
  readonly subject: string;
  readonly host: { readonly id: string; readonly name: string | undefined };
  /** Ancestors from the root on, the process, then its descendants: parents before their children, siblings by start. */
  readonly processes: readonly TreeProcess[];
  /** True when the first of the ancestors is pid 1 or the kernel. */
  readonly isRooted: boolean;
  /** False where there are more than `limit`. */
  readonly isComplete: boolean;
}
export interface TreeProcess {
  readonly entityId: string;
  readonly role: 'ancestor' | 'subject' | 'descendant';
  readonly parent: string | undefined;
  readonly pid: number | undefined;
  readonly name: string | undefined;
  readonly executable: string | undefined;
  /** Of its last exec that is stored. */
  readonly commandLine: string | undefined;
  readonly user: string | undefined;
  readonly startMs: number | undefined;
  readonly endMs: number | undefined;
  readonly exitCode: number | undefined;
  /** Stored events of its own in the range; undefined of ancestors. */
  readonly events: number | undefined;
}

/**
 * POST /api/v1/follow (reader), in lines only: matching events as they are stored, each once, from now on or from `cursor`. After
 * each batch comes `{"cursor":…}`: who asks again with the last one misses none.
 */
export interface FollowApiRequest {
  readonly query: string;
  readonly cursor?: string;
  readonly fields?: readonly string[];
}

/** GET /api/v1/events/:id (reader) */
export interface EventApiResponse {
  readonly id: string;
  readonly document: EventDocument;
}

/** POST /api/v1/backtest (reader). One rule's YAML, or `asItWas`: every rule as the control log had it in force. */
export interface BacktestRequest {
  readonly rule?: {
    readonly file: string;
    readonly text: string;
    /** The text's rules with the lists and macros that they use (`Rule.sourceJson`), where the server has not got those. */
    readonly sources?: readonly string[];
    /** Likewise the rules that they name. */
    readonly beside?: readonly string[];
  };
  readonly asItWas?: boolean;
  readonly sinceMs: number;
  readonly untilMs?: number;
  readonly limit?: number;
}
export interface BacktestResponse {
  /** Events of the range that the store gave. */
  readonly eventsRead: number;
  /** True when these are only the events that a rule may match; the range may hold any number of others. */
  readonly isNarrowed: boolean;
  readonly detections: number;
  readonly alerts: readonly Alert[];
  readonly alertsTotal: number;
  /** That would have been sent: of each alert, or of a group of them. */
  readonly messages: number;
  readonly errors: number;
  readonly durationMs: number;
  /** False when the run was ended by its time limit: the figures are of what was read until then. */
  readonly isComplete: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** Rules that cost so much that live would quarantine them: the figures are of what they judged until then. */
  readonly tooCostly?: readonly string[];
  /** With `asItWas`: where the stored detections differ from these; both empty when live was exact. */
  readonly differences?: {
    readonly onlyLive: readonly string[];
    readonly onlyBacktest: readonly string[];
    readonly otherDecision: readonly string[];
    /** Those of the above whose rule and key had a late detection live, or a gap before: events too late to be computed. */
    readonly explainedByLateness: readonly string[];
    /** Alerts that live put into another message. */
    readonly otherGroup?: readonly string[];
    /** Of the detections above, by id: which rule found them, and the event that completed them. */
    readonly about?: Readonly<Record<string, { readonly ruleId: string; readonly eventId: string }>>;
    /** Rules of `onlyBacktest` that were quarantined: live left out events that came late to them (docs/decisions/0034). */
    readonly quarantined?: readonly string[];
  };
}

/** POST /api/v1/sql (reader): one SELECT (docs/sql.md). `limit` rows, else 1,000; `timeoutMs`, else 30 s. */
export interface SqlApiRequest {
  readonly sql: string;
  /** The views hold events of this time only; all when absent. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  readonly limit?: number;
  readonly timeoutMs?: number;
}
export interface SqlApiResponse {
  readonly columns: readonly SqlColumn[];
  readonly rows: readonly (readonly SqlCell[])[];
  /** What ended the rows before their end. */
  readonly cut?: 'rows' | 'bytes';
  /** Acknowledged events that were not to be seen yet: 0, but on a full disk. */
  readonly missing: number;
  readonly partitions: number;
  readonly durationMs: number;
}

/**
 * POST /api/v1/export (reader): {"query","sinceMs","untilMs"}, a range of `event.created`. Answers in lines
 * (`Accept: application/x-ndjson`): {"event":{"id","document"}} in reference order, then {"result":…}; without that it was cut off.
 */
export interface ExportApiRequest {
  readonly query: string;
  readonly sinceMs: number;
  readonly untilMs: number;
}
export interface ExportResult {
  readonly events: number;
}
