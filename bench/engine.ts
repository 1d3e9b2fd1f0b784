// The rules engine on one core: 500 and 2,000 rules on parsed events and from NDJSON, the slowest events, loading, memory for each key
// that suppression remembers; beside the official JSONata with the same expressions, and beside rsigma with the same rules as Sigma
// (bench/rsigma.ts says how to have it). CPU of this thread, the least of five rounds.
// Events: those of the store's benchmark, and every twentieth a recorded one of a real kernel. Nothing of two engines is compared
// unless they found the same.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jsonata from 'jsonata';
import type { Engine } from '../engine/engine.ts';
import { createWaitedHosts } from '../engine/waited-hosts.ts';
import { EVERYTHING_PASSED } from '../engine/watermark.ts';
import type { EventDocument, NewEvent } from '../event/document.ts';
import { createdMsOf } from '../event/order.ts';
import type { Rule } from '../rules/rule.ts';
import { readRules } from '../rules/rule-files.ts';
import { readRuleFolders, SHIPPED_RULES } from '../rules/rule-folders.ts';
import { type MadeRule, makeRules, matchOf, type Style, sigmaOf, wordsOf, yamlOf } from './engine-rules.ts';
import {
  BATCH_EVENTS,
  engineOf,
  FollowedEvent,
  leastMicros,
  linesOf,
  onceMicros,
  ROUNDS,
  recordedDocuments,
  START_MS,
  type Traffic,
  trafficOf,
} from './engine-traffic.ts';
import { heapBytes, microsSince, told } from './measuring.ts';
import { findRsigma, RSIGMA_IS_ABSENT, rsigmaMicros } from './rsigma.ts';
import { EVENTS_PER_HOUR } from './store-events.ts';

/** Steps with one event, of which the slowest are told. */
const ALONE_EVENTS = 15_000;
const SIGMA_RULES = 210;
/** A fleet whose hosts all tell their progress. */
const FLEET_HOSTS = 5_500;
/** Of the official engine, which takes some 20 ms for an event with 500 rules. */
const OFFICIAL_EVENTS = 40;

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const recorded = recordedDocuments();
  const words = wordsOf(recorded);
  const traffic = trafficOf(isShort ? 15_000 : 60_000, recorded);
  const bytes = traffic.lines.reduce((sum, line) => sum + line.length, 0) / traffic.lines.length;
  const parsing = leastMicros(traffic.lines.length, () => {
    for (const line of traffic.lines) JSON.parse(line);
  });
  const shipped = readRuleFolders([SHIPPED_RULES]).rules;
  const singles = shipped.filter(({ kind }) => kind.kind === 'single');
  return [
    `${traffic.events.length} events, ${Math.round(bytes)} bytes each, parsing alone ${told(parsing)}`,
    ...rulesLines('shipped rules', shipped, traffic),
    ...rulesLines('those on single events', singles, traffic),
    fleetLine('shipped rules', shipped, traffic),
    ...[500, 2_000].flatMap((count) => {
      const { rules, ms } = loaded(makeRules(count, words), 'ours');
      return [`${count} rules: loaded in ${Math.round(ms)} ms`, ...rulesLines(`${count} rules`, rules, traffic)];
    }),
    ...(await besideOfficial(makeRules(500, words), traffic)),
    ...besideRsigma(makeRules(SIGMA_RULES, words), traffic),
    ...memoryLines(isShort ? 20_000 : 100_000),
  ];
}

function rulesLines(name: string, rules: readonly Rule[], traffic: Traffic): readonly string[] {
  const { events } = traffic;
  const engine = engineOf(rules);
  const [ofLines, following] = [engineOf(rules), engineOf(rules)];
  let [parsed, fromLines, followed] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round += 1) {
    // Windows go by the events' time: the same events again would be late, and known.
    const again = round === 0 ? traffic : linesOf(later(events, round));
    const stepAll = (of: Engine, some: readonly NewEvent[]) => (): void => {
      for (let at = 0; at < some.length; at += BATCH_EVENTS)
        of.step(some.slice(at, at + BATCH_EVENTS), EVERYTHING_PASSED);
    };
    parsed = Math.min(parsed, onceMicros(events.length, stepAll(engine, again.events)));
    fromLines = Math.min(
      fromLines,
      onceMicros(events.length, () => stepLines(ofLines, again)),
    );
    const asFollowed = again.unparsed.map((of, n) => new FollowedEvent(again.events[n]?.id ?? '', of));
    followed = Math.min(followed, onceMicros(events.length, stepAll(following, asFollowed)));
  }
  const sum = (of: 'evaluations' | 'matches'): string =>
    (engine.health().reduce((all, health) => all + health[of], 0) / events.length / ROUNDS).toPrecision(2);
  const [evaluations, matches] = [sum('evaluations'), sum('matches')];
  const single = engineOf(rules);
  const micros: number[] = [];
  for (const event of events.slice(0, ALONE_EVENTS)) {
    const begin = process.hrtime.bigint();
    single.step([event], EVERYTHING_PASSED);
    micros.push(Number(process.hrtime.bigint() - begin) / 1_000);
  }
  micros.sort((a, b) => a - b);
  const at = (share: number): string => (micros[Math.floor(micros.length * share)] ?? 0).toFixed(0);
  return [
    `${name}: parsed events ${told(parsed)}; from NDJSON ${told(fromLines)}; as the store's tail has them, not yet parsed, ${told(followed)}`,
    `${name}: ${evaluations} evaluations and ${matches} matches an event; one event alone p50 ${at(0.5)} µs, p99 ${at(0.99)} µs`,
  ];
}

/** The same events that much later: one round after the other. */
function later(events: readonly NewEvent[], round: number): readonly NewEvent[] {
  const byMs = round * Math.ceil((events.length * 3_600_000) / EVENTS_PER_HOUR);
  return events.map(({ id, document }) => {
    const created = new Date(createdMsOf(document) + byMs).toISOString();
    return { id: `${id}.${round}`, document: { ...document, event: { ...(document['event'] as object), created } } };
  });
}

/** What a step for one event costs among many hosts that have keys, with the watermarks as the server keeps them. */
function fleetLine(name: string, rules: readonly Rule[], { lines }: Traffic): string {
  const engine = engineOf(rules);
  const startMs = START_MS + 3_600_000;
  const hostOf = (n: number): string => `fleet-${(n * 7) % FLEET_HOSTS}`;
  const waited = createWaitedHosts(90_000);
  const marks = () => waited.watermarks({ readUntilMs: startMs, latenessMs: 10_000, ownMs: undefined });
  for (let n = 0; n < FLEET_HOSTS; n += 1)
    waited.set(hostOf(n), { bootId: 'b', position: -1, createdMs: startMs }, startMs);
  const eventOf = (n: number): NewEvent => {
    const { event, ...document } = JSON.parse(lines[n % lines.length] ?? '{}') as { event: object };
    const [id, created] = [hostOf(n), new Date(startMs + n).toISOString()];
    const host = { id, name: id, boot: { id: 'b' } };
    waited.set(id, { bootId: 'b', position: n, createdMs: startMs + n }, startMs);
    return { id: `e${n}`, document: { ...document, event: { ...event, created }, host, vedette: { position: n } } };
  };
  const warm = 4 * FLEET_HOSTS;
  for (let at = 0; at < warm; at += BATCH_EVENTS) {
    const events = Array.from({ length: Math.min(BATCH_EVENTS, warm - at) }, (_, index) => eventOf(at + index));
    engine.step(events, marks());
  }
  const steps = 2_000;
  let micros = 0;
  for (let n = warm; n < warm + steps; n += 1) {
    const event = eventOf(n);
    const begin = process.threadCpuUsage();
    engine.step([event], marks());
    micros += microsSince(begin);
  }
  return `${name}: ${FLEET_HOSTS} hosts, ${engine.keys().keys} keys, a step for one event ${Math.round(micros / steps)} µs on average`;
}

function stepLines(engine: Engine, { events, lines }: Traffic): number {
  let detections = 0;
  for (let at = 0; at < lines.length; at += BATCH_EVENTS) {
    const batch = lines.slice(at, at + BATCH_EVENTS).map((line, index): NewEvent => {
      const document = JSON.parse(line) as EventDocument;
      return { id: events[at + index]?.id ?? '', document };
    });
    detections += engine.step(batch, EVERYTHING_PASSED).detections.length;
  }
  return detections;
}

async function besideOfficial(made: readonly MadeRule[], { events }: Traffic): Promise<readonly string[]> {
  const { rules } = loaded(made, 'jsonata');
  const few = events.filter((_event, index) => index % Math.floor(events.length / OFFICIAL_EVENTS) === 0);
  const expressions = made.map((rule) => jsonata(`$boolean(${matchOf(rule, 'jsonata')})`));
  let found = 0;
  const begin = process.threadCpuUsage();
  for (const { document } of few) {
    for (const expression of expressions) {
      const isTrue: unknown = await expression.evaluate(document).catch(() => false);
      if (isTrue === true) found += 1;
    }
  }
  const theirs = microsSince(begin) / few.length;
  const engine = engineOf(rules);
  const ours = engine.step(few, EVERYTHING_PASSED).detections.length;
  if (ours !== found) throw new Error(`the official engine found ${found}, ours ${ours}`);
  const micros = leastMicros(events.length, () => {
    engine.step(events, EVERYTHING_PASSED);
  });
  return [
    `official JSONata, ${made.length} rules in its own functions: ${told(theirs)}; ours with the same ${told(micros)}, ` +
      `${Math.round(theirs / micros)} × as fast; both found ${found} on ${few.length} events`,
  ];
}

function besideRsigma(made: readonly MadeRule[], traffic: Traffic): readonly string[] {
  const rsigma = findRsigma();
  if (rsigma === undefined) return [RSIGMA_IS_ABSENT];
  const folder = mkdtempSync(join(tmpdir(), 'vedette-rsigma-'));
  try {
    const file = join(folder, 'events.ndjson');
    writeFileSync(file, `${traffic.lines.join('\n')}\n`);
    const empty = join(folder, 'none.ndjson');
    writeFileSync(empty, '{}\n');
    return [1, made.length].map((count) => {
      const some = made.slice(0, count);
      const rulesFolder = mkdtempSync(join(folder, 'rules-'));
      for (const [n, rule] of some.entries()) writeFileSync(join(rulesFolder, `${rule.id}.yml`), sigmaOf(rule, n));
      const loading = rsigmaMicros(rsigma, { rulesFolder, events: empty }).micros;
      const { micros, lines: matches } = rsigmaMicros(rsigma, { rulesFolder, events: file });
      const theirs = (micros - loading) / traffic.lines.length;
      const { rules } = loaded(some, 'folded');
      const engine = engineOf(rules);
      const found = stepLines(engine, traffic);
      if (found !== matches) throw new Error(`rsigma found ${matches}, ours ${found}`);
      const ours = leastMicros(traffic.lines.length, () => stepLines(engine, traffic));
      return (
        `${rsigma.version}, ${count} ${count === 1 ? 'rule' : 'rules'} as Sigma, from NDJSON: ${told(theirs)}; ours with the same ` +
        `${told(ours)}, ${(theirs / ours).toFixed(1)} × as fast; both found ${found}`
      );
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a rule asks of many events, and `suppress` for one that asks nothing. */
const REMEMBERED: Readonly<Record<string, string>> = {
  suppression: 'alert: { suppress: { for: 7d } }',
  threshold: 'threshold: { count: 5, within: 1h }',
  distinct: 'distinct: { field: process.name, above: 20, within: 1h }',
  new_value: 'new_value: { fields: [process.name], learn: 7d }',
  sequence:
    'sequence: { within: 1h, steps: [{ match: event.action = "executed" }, { match: event.action = "connected-to" }] }',
};

function memoryLines(keys: number): readonly string[] {
  return Object.entries(REMEMBERED).map(([name, words]) => {
    const match = name === 'sequence' ? '' : 'match: event.action = "executed"\n';
    const text = `id: made\nname: Made\nseverity: low\n${match}by: [host.id, user.name]\n${words}\n`;
    const { rules, diagnostics } = readRules([{ file: 'made.yaml', kind: 'own', content: 'rules', text }]);
    if (rules.length !== 1) throw new Error(diagnostics.map(({ message }) => message).join('; '));
    const engine = engineOf(rules);
    const before = heapBytes();
    for (let at = 0; at < keys; at += BATCH_EVENTS) {
      const events = Array.from({ length: Math.min(BATCH_EVENTS, keys - at) }, (_, index): NewEvent => {
        const n = at + index;
        const event = { action: 'executed', created: new Date(START_MS + n).toISOString() };
        const document = { event, host: { id: `h${n % 100}` }, user: { name: `user-${n}` }, process: { name: 'sh' } };
        return { id: `e${n}`, document };
      });
      engine.step(events, EVERYTHING_PASSED);
    }
    const bytes = heapBytes() - before;
    const forgotten = engine.health()[0]?.evicted ?? 0;
    return `memory: ${name} by host and user, ${Math.round(bytes / (keys - forgotten))} bytes for each of ${keys - forgotten} live keys, ${forgotten} forgotten`;
  });
}

function loaded(made: readonly MadeRule[], style: Style): { readonly rules: readonly Rule[]; readonly ms: number } {
  const files = made.map((rule) => ({
    file: `${rule.id}.yaml`,
    kind: 'own' as const,
    content: 'rules' as const,
    text: yamlOf(rule, style),
  }));
  const begin = process.threadCpuUsage();
  const { rules, diagnostics } = readRules(files);
  const ms = microsSince(begin) / 1_000;
  const [error] = diagnostics.filter(({ severity }) => severity === 'error');
  if (error !== undefined) throw new Error(`${error.file}: ${error.message}`);
  return { rules, ms };
}
