// What the server has at the end, put beside the truth: numbered execs that are stored, those that are not, and the loss records.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EventDocument, fieldOf, numberOf, timeOf } from '../../event/document.ts';
import { type OrderKey, orderKeyOf } from '../../event/order.ts';
import type { SearchApiResponse, StatusResponse } from '../../server/api.ts';
import { eventually, type Installation } from '../harness/installation.ts';
import type { Truth } from './numbered-workload.ts';

/** One search is asked for so much time, ms: it answers with 5,000 events at the most. */
const WINDOW_MS = 2_000;
const SEARCH_LIMIT = 5_000;
/** The count of stored events stands still for so long, ms, when everything has come: a missing serial is told after 5 s of quiet. */
const STILL_MS = 12_000;
/** The kernel stamps records with its coarse clock. */
const CLOCK_SLACK_MS = 12;
/** What the spool gave up is told with the times at which its events were complete, not those at which they happened. */
const COMPLETED_WITHIN_MS = 3_000;

export interface Stored {
  readonly id: string;
  readonly document: EventDocument;
}
/** A stored exec of the workload; small, since there may be a million. */
export interface StoredExec {
  readonly number: number;
  readonly key: OrderKey;
}
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}
export interface LossRecord extends Span {
  readonly source: unknown;
  readonly atLeast: number | undefined;
  readonly atMost: number | undefined;
}

/** True when the server has acknowledged all that the collector said it had spooled: after an outage it waits up to 30 s to try again. */
function isDelivered({ dataFolder }: Installation): boolean {
  const numberIn = (file: string, field: string): number =>
    Number(JSON.parse(readFileSync(join(dataFolder, 'collector', file), 'utf8'))[field]);
  try {
    return numberIn('ship.json', 'deliveredPosition') >= numberIn('reader.json', 'position');
  } catch {
    return false;
  }
}

interface SpoolJournal {
  readonly groups: readonly { readonly losses: readonly unknown[] }[];
  readonly intent?: unknown;
}

/** True when the spool has nothing left to tell of what it gave up (collector/spool/loss-journal.ts). */
function isToldOfSpool({ dataFolder }: Installation): boolean {
  const numbers = globSync(join(dataFolder, 'collector', 'spool', 'evicted-*.json')).map((file) =>
    Number(/evicted-(\d+)\.json$/.exec(file)?.[1]),
  );
  if (numbers.length === 0) return true;
  try {
    const text = readFileSync(join(dataFolder, 'collector', 'spool', `evicted-${Math.max(...numbers)}.json`), 'utf8');
    // Eight digits of a checksum stand before it. Of an intention the outcome is in memory alone.
    const { groups, intent } = JSON.parse(text.slice(8, text.indexOf('\n'))) as SpoolJournal;
    return intent === undefined && groups.every(({ losses }) => losses.length === 0);
  } catch {
    return false;
  }
}

/** Waits until everything that was spooled is stored and folded, and everything that was lost is told. */
export async function drained(installation: Installation, timeoutMs = 600_000): Promise<void> {
  let last = -1;
  let since = Date.now();
  await eventually(
    'the spool to drain',
    async () => {
      const { store, engine } = await installation.api<StatusResponse>('/status');
      const isStill = store.events === last && engine.behind === 0 && engine.pendingDetections === 0;
      if (!isStill || !isDelivered(installation) || !isToldOfSpool(installation)) since = Date.now();
      last = store.events;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return Date.now() - since > STILL_MS ? true : undefined;
    },
    timeoutMs,
  );
}

/** Calls `see` for every event that was made in the span, window by window. */
export async function searchEach(
  installation: Installation,
  query: string,
  span: Span,
  see: (stored: Stored) => void,
): Promise<void> {
  const look = async (sinceMs: number, untilMs: number): Promise<void> => {
    const answer = await installation.api<SearchApiResponse>('/search', {
      query,
      sinceMs,
      untilMs,
      limit: SEARCH_LIMIT,
    });
    if (answer.total <= answer.events.length) {
      answer.events.forEach(see);
      return;
    }
    const middle = Math.floor((sinceMs + untilMs) / 2);
    await look(sinceMs, middle);
    await look(middle, untilMs);
  };
  for (let at = Math.floor(span.fromMs); at < span.untilMs; at += WINDOW_MS) {
    await look(at, Math.min(at + WINDOW_MS, Math.ceil(span.untilMs)));
  }
}

export async function storedExecs(installation: Installation, name: string, span: Span): Promise<StoredExec[]> {
  const found: StoredExec[] = [];
  await searchEach(installation, `process.name:${name} AND event.action:executed`, span, ({ id, document }) => {
    const argument = String((fieldOf(document, 'process.args') as readonly string[])[1]);
    found.push({ number: Number(/^--seq=([0-9]+)$/.exec(argument)?.[1]), key: orderKeyOf(id, document) });
  });
  return found;
}

export async function lossRecords(installation: Installation, span: Span): Promise<readonly LossRecord[]> {
  const found: LossRecord[] = [];
  await searchEach(installation, 'event.dataset:vedette.loss', span, ({ document }) => {
    found.push({
      fromMs: timeOf(document, 'vedette.loss.from') ?? Number.NaN,
      untilMs: timeOf(document, 'vedette.loss.to') ?? Number.NaN,
      source: fieldOf(document, 'vedette.loss.source'),
      atLeast: numberOf(document, 'vedette.loss.at_least'),
      atMost: numberOf(document, 'vedette.loss.at_most'),
    });
  });
  return found;
}

export function missingFrom(truth: Truth, stored: readonly StoredExec[]): readonly number[] {
  const present = new Set(stored.map(({ number }) => number));
  return [...truth.keys()].filter((number) => !present.has(number));
}

/** Numbers that are stored more than once. */
export function repeated(stored: readonly StoredExec[]): readonly number[] {
  const seen = new Set<number>();
  return stored.map(({ number }) => number).filter((number) => seen.size === seen.add(number).size);
}

export function isWithin(truth: Truth, number: number, span: Span, slackMs: number): boolean {
  const exec = truth.get(number);
  return exec !== undefined && exec.afterMs >= span.fromMs - slackMs && exec.beforeMs <= span.untilMs + slackMs;
}

/** Missing numbers that no loss record spans. */
export function unexplained(
  truth: Truth,
  missing: readonly number[],
  losses: readonly LossRecord[],
): readonly number[] {
  const slackMs = ({ source }: LossRecord) => (source === 'spool' ? COMPLETED_WITHIN_MS : CLOCK_SLACK_MS);
  return missing.filter((number) => !losses.some((loss) => isWithin(truth, number, loss, slackMs(loss))));
}

/** The sum of the upper bounds; infinite where one has none. */
export function atMost(losses: readonly LossRecord[]): number {
  return losses.reduce((sum, loss) => sum + (loss.atMost ?? Number.POSITIVE_INFINITY), 0);
}
