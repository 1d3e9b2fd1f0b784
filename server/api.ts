// The HTTP API's shapes, all under /api/v1, JSON both ways, bearer token. Roles: `reader` reads, `admin` does all, `importer` may
// write other hosts' events, `host` only its own through `_bulk`. Errors are {"error":{"code","message","remedy"}}.

import type { RuleHealth } from '../engine/engine.ts';
import type { Alert, AlertStatus, Detection } from '../event/detection.ts';
import type { EventDocument } from '../event/document.ts';
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { StoreStatistics } from '../store/port.ts';
import type { HostRecord, NotificationRecord } from '../store/state/state-port.ts';

export interface ApiError {
  readonly error: { readonly code: string; readonly message: string; readonly remedy: string };
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
    /** Stored events that the engine has not read yet, as far as is known. */
    readonly behind: number;
    readonly health: readonly RuleHealth[];
  };
  readonly outbox: { readonly pending: number; readonly sent: number; readonly failed: number };
  readonly channels: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** GET /api/v1/hosts (reader); POST /api/v1/hosts/:id/revoke (admin) */
export interface HostsResponse {
  readonly hosts: readonly (HostRecord & {
    readonly isRevoked: boolean;
    readonly state: 'live' | 'silent' | 'signed-off';
  })[];
}

/** GET /api/v1/alerts?since=MS&status=open&rule=ID&limit=N (reader) */
export interface AlertsResponse {
  readonly alerts: readonly Alert[];
}

/** GET /api/v1/alerts/:id (reader); POST /api/v1/alerts/:id/status {"status"} (admin) */
export interface AlertResponse {
  readonly alert: Alert;
  readonly detections: readonly Detection[];
  readonly notifications: readonly NotificationRecord[];
  readonly event: EventDocument | undefined;
}
export interface AlertStatusRequest {
  readonly status: AlertStatus;
}

/** POST /api/v1/search (reader). `query` in the search language; times in epoch ms. */
export interface SearchApiRequest {
  readonly query: string;
  readonly sinceMs: number;
  readonly untilMs?: number;
  readonly limit?: number;
}
export interface SearchApiResponse {
  readonly total: number;
  readonly isTotalExact: boolean;
  readonly events: readonly { readonly id: string; readonly document: EventDocument }[];
}

/** GET /api/v1/events/:id (reader) */
export interface EventApiResponse {
  readonly id: string;
  readonly document: EventDocument;
}

/** POST /api/v1/backtest (reader). One rule's YAML, or `asItWas`: every rule as the control log had it in force. */
export interface BacktestRequest {
  readonly rule?: { readonly file: string; readonly text: string };
  readonly asItWas?: boolean;
  readonly sinceMs: number;
  readonly untilMs?: number;
  readonly limit?: number;
}
export interface BacktestResponse {
  readonly eventsRead: number;
  readonly detections: number;
  readonly alerts: readonly Alert[];
  readonly alertsTotal: number;
  readonly errors: number;
  readonly durationMs: number;
  /** False when the run was ended by its time limit: the figures are of what was read until then. */
  readonly isComplete: boolean;
  readonly diagnostics: readonly Diagnostic[];
  /** With `asItWas`: where the stored detections differ from these; both empty when live was exact. */
  readonly differences?: {
    readonly onlyLive: readonly string[];
    readonly onlyBacktest: readonly string[];
    readonly otherDecision: readonly string[];
    /** Those of `otherDecision` whose rule and key had a late detection live. */
    readonly explainedByLateness: readonly string[];
  };
}
