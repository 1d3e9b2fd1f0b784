// What the collectors cost and lose, by their own word: the status document that each stores every 30 s. Hosts write them, so
// anything may stand there: what is no plain figure is left out.
import { fieldOf } from '../event/document.ts';
import type { SearchApiRequest, SearchApiResponse } from '../server/api.ts';
import type { Client } from './client.ts';
import type { Outcome } from './failure.ts';
import { formatBytes } from './table.ts';

/** Two documents of each host, and one that is late. */
const LOOK_BACK_MS = 95_000;
/** One answer of the server holds no more; with more hosts those that spoke last are shown. */
const DOCUMENTS_MAX = 10_000;
const FIELDS = ['host.id', 'host.name', '@timestamp', 'vedette.status'];

export interface CollectorCost {
  readonly hostId: string;
  readonly hostName: string;
  readonly at: string;
  /** Of one core, over the time since the document before it; undefined in the first. */
  readonly cpuPercent: number | undefined;
  readonly rssBytes: number | undefined;
  readonly spoolBytes: number | undefined;
  /** How long the oldest event has waited in the spool. */
  readonly oldestAgeMs: number | undefined;
  readonly eventsPerSecond: number | undefined;
  /** Events that were lost for certain since the collector started, by its own account. */
  readonly lost: number | undefined;
  /** What its limits make it give up: `full` where nothing. */
  readonly level: string | undefined;
}

export interface CollectorCosts {
  /** By name of the host. */
  readonly collectors: readonly CollectorCost[];
  /** False where there were more documents than one answer holds. */
  readonly isComplete: boolean;
}

/** The last word of each collector that spoke in the last minute and a half. */
export async function collectorCosts(client: Client, nowMs: number): Promise<Outcome<CollectorCosts>> {
  const request: SearchApiRequest = {
    query: 'event.dataset:vedette.status',
    sinceMs: nowMs - LOOK_BACK_MS,
    limit: DOCUMENTS_MAX,
    fields: FIELDS,
  };
  const found = await client.post<Partial<SearchApiResponse>>('/api/v1/search', request);
  if (!found.isOk) return found;
  // What is asked for here comes beside the answer proper, which must not fail for it: not even where a server answers otherwise.
  const { events = [], total = 0 } = found.value;
  const last = new Map<string, CollectorCost>();
  // The newest come first.
  for (const { document } of events) {
    const cost = costOf(document);
    if (cost !== undefined && !last.has(cost.hostId)) last.set(cost.hostId, cost);
  }
  const collectors = [...last.values()].sort((a, b) =>
    a.hostName < b.hostName ? -1 : a.hostName > b.hostName ? 1 : 0,
  );
  return { isOk: true, value: { collectors, isComplete: total <= events.length } };
}

/** One line on all of them, for `vedette status`; undefined where none has spoken. */
export function costsInOneLine({ collectors, isComplete }: CollectorCosts): string | undefined {
  if (collectors.length === 0) return undefined;
  const sum = (of: (cost: CollectorCost) => number | undefined): number =>
    collectors.reduce((total, cost) => total + (of(cost) ?? 0), 0);
  const most = collectors.reduce((one, other) => ((other.cpuPercent ?? 0) > (one.cpuPercent ?? 0) ? other : one));
  const largest = Math.max(...collectors.map(({ rssBytes }) => rssBytes ?? 0));
  const limited = collectors.filter(({ level }) => level !== undefined && level !== 'full').length;
  const parts = [
    `${collectors.length}${isComplete ? '' : ' or more'} heard in ${LOOK_BACK_MS / 1_000} s`,
    `${percent(sum(({ cpuPercent }) => cpuPercent))} of a core in all, ${percent(most.cpuPercent ?? 0)} at most (${most.hostName})`,
    `${formatBytes(largest)} of memory at most`,
    `${formatBytes(sum(({ spoolBytes }) => spoolBytes))} spooled`,
    `${sum(({ lost }) => lost)} lost`,
    ...(limited > 0 ? [`${limited} held back by limits`] : []),
  ];
  return parts.join('; ');
}

export function percent(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(0)} %`;
}

function costOf(document: SearchApiResponse['events'][number]['document']): CollectorCost | undefined {
  const hostId = fieldOf(document, 'host.id');
  const hostName = fieldOf(document, 'host.name');
  const at = fieldOf(document, '@timestamp');
  if (typeof hostId !== 'string') return undefined;
  const figure = (name: string): number | undefined => {
    const value = fieldOf(document, `vedette.status.${name}`);
    return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
  };
  const level = fieldOf(document, 'vedette.status.limits_level');
  return {
    hostId,
    hostName: typeof hostName === 'string' ? hostName : hostId,
    at: typeof at === 'string' ? at : '',
    cpuPercent: figure('cpu_percent'),
    rssBytes: figure('rss_bytes'),
    spoolBytes: figure('spool_bytes'),
    oldestAgeMs: figure('spool_oldest_age_ms'),
    eventsPerSecond: figure('events_per_second'),
    lost: figure('lost_at_least'),
    level: typeof level === 'string' ? level : undefined,
  };
}
