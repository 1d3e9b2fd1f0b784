// SigmaHQ's Linux rules, all together: the engine with the rules as it reads them, beside rsigma with the same files and a pipeline that
// gives it our documents' fields (bench/sigma-pipeline.yml). Both get the same lines; which rule found which event is compared, and each
// difference has its reason here or the benchmark fails. Events: those of the engine's benchmark, and every fiftieth made of a rule's
// own searches, so that every rule finds some. `process.command_line` is the arguments with spaces between, as Sigma's rules mean it:
// rsigma can put nothing together. CPU: of our thread the least of five rounds, of rsigma's process the least of three, less loading.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Engine } from '../engine/engine.ts';
import { EVERYTHING_PASSED } from '../engine/watermark.ts';
import type { EventDocument, NewEvent } from '../event/document.ts';
import type { Rule } from '../rules/rule.ts';
import { readRules } from '../rules/rule-files.ts';
import { documentOf } from '../test/rules/sigma/own-events.ts';
import { holdsOf, type PlainRule } from '../test/rules/sigma/plain-sigma.ts';
import { SIGMA_FILES, SIGMA_FOLDER } from '../test/rules/sigma/sigma-folder.ts';
import {
  BATCH_EVENTS,
  engineOf,
  FollowedEvent,
  leastMicros,
  linesOf,
  placedEvent,
  recordedDocuments,
  type Traffic,
  trafficOf,
} from './engine-traffic.ts';
import { microsSince, told } from './measuring.ts';
import { findRsigma, RSIGMA_IS_ABSENT, type Rsigma, rsigmaMatches, rsigmaMicros } from './rsigma.ts';

const PIPELINE = fileURLToPath(new URL('./sigma-pipeline.yml', import.meta.url));
const MADE_EVERY = 50;
const ATTEMPTS = 100;

interface SigmaFile {
  readonly name: string;
  readonly text: string;
  readonly plain: PlainRule & { readonly id: string };
}

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  if (SIGMA_FILES.length === 0)
    return ['SigmaHQ’s Linux rules are not at hand (VEDETTE_SIGMA_RULES names their folder)'];
  const files = SIGMA_FILES.map((name): SigmaFile => {
    const text = readFileSync(join(SIGMA_FOLDER, name), 'utf8');
    return { name, text, plain: parse(text) as SigmaFile['plain'] };
  });
  const begin = process.threadCpuUsage();
  const { rules } = readRules(files.map(({ name: file, text }) => ({ file, kind: 'own', content: 'rules', text })));
  const loadedMs = Math.round(microsSince(begin) / 1_000);
  const ids = new Set(rules.map(({ id }) => id));
  const running = files.filter(({ plain }) => ids.has(plain.id));
  const traffic = sigmaTraffic(isShort ? 15_000 : 60_000, running);

  const found = matchesOf(rules, traffic);
  const [parsing, following] = [engineOf(rules), engineOf(rules)];
  const ours = {
    'from NDJSON, each line parsed': leastMicros(traffic.lines.length, () => stepParsed(parsing, traffic)),
    'as the store’s tail has them': leastMicros(traffic.lines.length, () => stepFollowed(following, traffic)),
  };
  const bytes = traffic.lines.reduce((sum, line) => sum + line.length, 0) / traffic.lines.length;
  const seen = new Set([...found].map((match) => match.split(' ')[0]));
  const lines = [
    `${rules.length} of ${files.length} rules, loaded in ${loadedMs} ms; ${traffic.lines.length} events of ${Math.round(bytes)} bytes; ` +
      `${found.size} matches of ${seen.size} rules`,
    ...Object.entries(ours).map(([how, micros]) => `vedette, ${how}: ${told(micros)}`),
  ];
  const rsigma = findRsigma();
  if (rsigma === undefined) return [...lines, RSIGMA_IS_ABSENT];
  return [...lines, ...besideRsigma(rsigma, { running, traffic, found, ours, isShort })];
}

interface Ours {
  readonly running: readonly SigmaFile[];
  readonly traffic: Traffic;
  readonly found: ReadonlySet<string>;
  readonly ours: Readonly<Record<string, number>>;
  readonly isShort: boolean;
}

function besideRsigma(rsigma: Rsigma, { running, traffic, found, ours, isShort }: Ours): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-sigma-'));
  try {
    const rulesFolder = mkdtempSync(join(folder, 'rules-'));
    for (const { plain, text } of running) writeFileSync(join(rulesFolder, `${plain.id}.yml`), text);
    const events = join(folder, 'events.ndjson');
    writeFileSync(events, `${traffic.lines.join('\n')}\n`);
    const empty = join(folder, 'none.ndjson');
    writeFileSync(empty, '{}\n');
    const options = ['-p', PIPELINE];
    const theirs = rsigmaMatches(rsigma, { rulesFolder, events, options: [...options, '--include-event'] }).map(
      (line) => {
        const { rule_id, event } = JSON.parse(line) as { rule_id: string; event: { vedette: { position: number } } };
        return `${rule_id} ${event.vedette.position}`;
      },
    );
    const compared = differences(found, new Set(theirs), running);
    const microsWith = (all: readonly string[]): number => {
      const loading = rsigmaMicros(rsigma, { rulesFolder, events: empty, options: all }).micros;
      return (rsigmaMicros(rsigma, { rulesFolder, events, options: all }).micros - loading) / traffic.lines.length;
    };
    const plainly = microsWith(options);
    const withBloom = isShort ? undefined : microsWith([...options, '--bloom-prefilter']);
    const best = Math.min(plainly, withBloom ?? plainly);
    return [
      `${rsigma.version}: ${told(plainly)}${withBloom === undefined ? '' : `; with --bloom-prefilter ${told(withBloom)}`}`,
      ...Object.entries(ours).map(([how, micros]) => `${(best / micros).toFixed(1)} × rsigma's events a core, ${how}`),
      ...compared,
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What only one of the two found, by rule, with the reason; nothing may differ without one. */
function differences(
  ours: ReadonlySet<string>,
  theirs: ReadonlySet<string>,
  files: readonly SigmaFile[],
): readonly string[] {
  const both = [...ours].filter((match) => theirs.has(match)).length;
  const lines = files.flatMap(({ name, plain }) => {
    const alone = (one: ReadonlySet<string>, other: ReadonlySet<string>): number =>
      [...one].filter((match) => match.startsWith(`${plain.id} `) && !other.has(match)).length;
    const [onlyOurs, onlyTheirs] = [alone(ours, theirs), alone(theirs, ours)];
    if (onlyOurs + onlyTheirs === 0) return [];
    const searches = Object.entries(plain.detection).filter(([search]) => search !== 'condition');
    const hasAllKeywords = searches.some(([, search]) => Object.hasOwn(Object(search), '|all'));
    const hasKeywords = hasAllKeywords || searches.some(([, search]) => typeof search === 'string' || isTexts(search));
    const reasons = [
      ...(hasAllKeywords && onlyOurs > 0
        ? ['rsigma takes keywords with `|all` for whole values, any of which would do']
        : []),
      ...(hasKeywords && onlyTheirs > 0
        ? ['rsigma looks for keywords in every text of a document, not only in the records']
        : []),
    ];
    const isExplained = (onlyOurs === 0 || hasAllKeywords) && (onlyTheirs === 0 || hasKeywords);
    const told = `${name.split('/').at(-1)}: ${onlyOurs} by vedette, ${onlyTheirs} by rsigma`;
    if (!isExplained) throw new Error(`not the same, and no reason is known: ${told}`);
    return [`  ${told}: ${reasons.join('; ')}`];
  });
  return [`both found the same ${both} matches${lines.length === 0 ? '' : '; found by one alone:'}`, ...lines];
}

function isTexts(search: unknown): boolean {
  return Array.isArray(search) && search.every((one) => typeof one === 'string');
}

function matchesOf(rules: readonly Rule[], { events }: Traffic): ReadonlySet<string> {
  const places = new Map(
    events.map(({ id, document }) => [id, (document['vedette'] as { position: number }).position]),
  );
  const engine = engineOf(rules);
  const found = new Set<string>();
  for (let at = 0; at < events.length; at += BATCH_EVENTS)
    for (const { ruleId, eventId } of engine.step(events.slice(at, at + BATCH_EVENTS), EVERYTHING_PASSED).detections)
      found.add(`${ruleId} ${places.get(eventId)}`);
  return found;
}

function stepParsed(engine: Engine, { events, lines }: Traffic): void {
  for (let at = 0; at < lines.length; at += BATCH_EVENTS) {
    const batch = lines.slice(at, at + BATCH_EVENTS).map((line, index): NewEvent => {
      const document = JSON.parse(line) as EventDocument;
      return { id: events[at + index]?.id ?? '', document };
    });
    engine.step(batch, EVERYTHING_PASSED);
  }
}

function stepFollowed(engine: Engine, { events, unparsed }: Traffic): void {
  for (let at = 0; at < unparsed.length; at += BATCH_EVENTS) {
    const batch = unparsed
      .slice(at, at + BATCH_EVENTS)
      .map((document, index) => new FollowedEvent(events[at + index]?.id ?? '', document));
    engine.step(batch, EVERYTHING_PASSED);
  }
}

function sigmaTraffic(count: number, files: readonly SigmaFile[]): Traffic {
  const { events } = trafficOf(count, recordedDocuments());
  return linesOf(
    events.map((event, n) => {
      const made = n % MADE_EVERY === 7 ? madeOf(files, Math.floor(n / MADE_EVERY)) : undefined;
      const { id, document } = made === undefined ? event : placedEvent(n, made);
      return { id, document: withPlainLine(document) };
    }),
  );
}

/** Of each rule in turn: one that it finds, then one that has some of what it asks for. */
function madeOf(files: readonly SigmaFile[], nth: number): EventDocument | undefined {
  const plain = files[nth % files.length]?.plain;
  if (plain === undefined) return undefined;
  const isWanted = Math.floor(nth / files.length) % 2 === 0;
  let seed = nth + 1;
  const pick = <T>(of: readonly T[]): T => {
    seed = (seed * 48_271) % 2_147_483_647;
    return of[seed % of.length] as T;
  };
  let document = documentOf(plain, pick);
  for (let attempt = 1; attempt < ATTEMPTS && holdsOf(plain, document) !== isWanted; attempt += 1)
    document = documentOf(plain, pick);
  return document;
}

interface Program {
  readonly args?: readonly string[];
  readonly parent?: Program;
}

function withPlainLine(document: EventDocument): EventDocument {
  const { process } = document as { readonly process?: Program };
  if (process === undefined) return document;
  const lined = (of: Program): object => (of.args === undefined ? of : { ...of, command_line: of.args.join(' ') });
  const parent = process.parent === undefined ? {} : { parent: lined(process.parent) };
  return { ...document, process: { ...lined(process), ...parent } };
}
