// What the embedded store costs: loading, bytes, the forensic queries, scans; how that grows from a tenth of the events to all of
// them; and the same beside NDJSON in zstd, SQLite and (VEDETTE_BENCH_ELASTICSEARCH=1) Elasticsearch. The full form is 10 M events:
// `npm run bench -- store`; VEDETTE_BENCH_EVENTS says another number.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedStore, openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { StoreUnavailable } from '../store/port.ts';
import { eventTimeMs, storeEvent } from './store-events.ts';
import { peerLines } from './store-peers.ts';
import { forensicQueries, measure, otherQuestions, quantile, queryOf, type Span } from './store-questions.ts';

const START_MS = Date.UTC(2026, 9, 16);
const BATCH = 500;
const CONCURRENT = 4;
const SELECTIVE = 'process.name:tar AND user.name:bob';
const THREE_FIELDS = ['process.name', 'user.name', 'process.command_line'];

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const asked = Number(process.env['VEDETTE_BENCH_EVENTS'] ?? Number.NaN);
  const events = Number.isSafeInteger(asked) && asked >= 1_000 ? asked : isShort ? 60_000 : 10_000_000;
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  try {
    const lines: string[] = [];
    for (const count of [Math.floor(events / 10), events]) {
      lines.push(`${count} events`, ...(await embeddedLines(join(folder, String(count)), count, isShort)));
    }
    const peerEvents = Math.min(events, isShort ? 20_000 : 200_000);
    lines.push(`peers, ${peerEvents} events`, ...(await peerLines(join(folder, 'peers'), peerEvents, START_MS)));
    return lines;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function embeddedLines(folder: string, events: number, isShort: boolean): Promise<readonly string[]> {
  const endMs = eventTimeMs(events, START_MS) + 1;
  const lines: string[] = [];
  const open = (): Promise<EmbeddedStore> =>
    openEmbeddedStore({ folder, nowMs: () => endMs, warn: (text) => lines.push(`  warning: ${text}`) });
  let store = await open();
  lines.push(...(await load(store, events)));
  await store.close();
  store = await open();
  try {
    const { bytes, events: stored } = await store.statistics();
    lines.push(`  ${stored} stored, ${(bytes / stored).toFixed(0)} bytes an event`);
    const span: Span = {
      fromMs: START_MS - 10_000,
      untilMs: endMs,
      id: storeEvent(Math.floor(events / 2), START_MS).id,
    };
    const forensic = await measure(store, forensicQueries(span, 'shown'), isShort ? 4 : 10);
    const whole = await measure(store, forensicQueries(span, 'whole'), isShort ? 2 : 10);
    const others = await measure(store, otherQuestions(span), isShort ? 1 : 2);
    lines.push('  with the fields that `vedette search` shows:', ...forensic.lines.map((line) => `  ${line}`));
    lines.push(`  p95 of the eight forensic queries: ${quantile(forensic.times, 0.95).toFixed(0)} ms`);
    lines.push('  with events whole:', ...whole.lines.map((line) => `  ${line}`));
    lines.push(`  p95 of the eight with events whole: ${quantile(whole.times, 0.95).toFixed(0)} ms`);
    lines.push(...others.lines.map((line) => `  ${line}`));
    for (const [name, text, fields] of [
      ['all', '', undefined],
      [`${SELECTIVE}, whole documents`, SELECTIVE, undefined],
      [`${SELECTIVE}, three fields`, SELECTIVE, THREE_FIELDS],
    ] as const) {
      const [began, used] = [performance.now(), process.cpuUsage()];
      let found = 0;
      const options = { query: queryOf(text), ...(fields === undefined ? {} : { fields }) };
      for await (const batch of store.scan(span, options)) found += batch.length;
      const { user, system } = process.cpuUsage(used);
      const perSecond = Math.round((stored / (performance.now() - began)) * 1_000);
      lines.push(
        `  scan ${name}: ${found} found, ${perSecond} events/s, CPU ${((user + system) / stored).toFixed(2)} µs/event`,
      );
    }
    lines.push(`  resident memory ${Math.round(process.memoryUsage().rss / 1e6)} MB`);
  } finally {
    await store.close();
  }
  return lines;
}

/** Stores the first events, through append alone. */
async function load(store: EmbeddedStore, events: number): Promise<readonly string[]> {
  let next = 0;
  let refusals = 0;
  const [began, used] = [performance.now(), process.cpuUsage()];
  const write = async (): Promise<void> => {
    while (next < events) {
      const first = next;
      next += BATCH;
      const size = Math.min(BATCH, events - first);
      const batch = Array.from({ length: size }, (_, at) => storeEvent(first + at, START_MS));
      for (;;) {
        try {
          await store.append(batch);
          break;
        } catch (error) {
          if (!(error instanceof StoreUnavailable)) throw error;
          refusals++;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, write));
  await store.flush();
  const { user, system } = process.cpuUsage(used);
  const perSecond = Math.round((events / (performance.now() - began)) * 1_000);
  return [
    `  loaded at ${perSecond} events/s, CPU ${((user + system) / events).toFixed(0)} µs/event with their making (${refusals} times told to wait)`,
  ];
}
