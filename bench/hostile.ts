// What somebody who makes events, or writes rules and lists, can do to the engine: ten million keys of one host's choosing, rules that never
// end, a list of ten megabytes. Told are what it costs the others, what stays of it in memory, and where it is named. In the short form some
// forty thousand keys. Fails where something is not bounded, not named, or hides what another host does.
import { CONTAINMENT_LIMITS } from '../engine/containment.ts';
import { createEngine } from '../engine/create-engine.ts';
import type { Engine, RuleHealth } from '../engine/engine.ts';
import { EVERYTHING_PASSED } from '../engine/watermark.ts';
import type { NewEvent } from '../event/document.ts';
import type { Rule } from '../rules/rule.ts';
import { type RuleFile, readRules } from '../rules/rule-files.ts';
import { heapBytes, microsSince, told } from './measuring.ts';

const START_MS = Date.UTC(2026, 9, 1);
const KEYS = 10_000_000;
const BATCH_EVENTS = 1_500;
/** A host that goes on as ever has one event in so many of the flood's, and guesses a password six times within a minute now and then. */
const OTHERS_EVERY = 10;
const GUESSES = 6;
const GUESSED_EVERY = 20_000;

const FLOODED = {
  'threshold-by-host': 'by: [host.id, user.name]\nthreshold: { count: 5, within: 1h }',
  'threshold-across': 'by: [user.name]\nthreshold: { count: 5, within: 1h }',
  'distinct-by-host': 'by: [host.id, user.name]\ndistinct: { field: process.name, above: 20, within: 1h }',
  'new-value-by-host': 'by: [host.id]\nnew_value: { fields: [user.name], learn: 1d }',
  'absence-by-host': 'by: [host.id, user.name]\nabsence: { fewer_than: 1, within: 1h }',
  sequence:
    'by: [host.id, user.name]\nsequence: { within: 1h, steps: [{ match: event.action = "failed" }, { match: event.action = "passed" }] }',
  suppressed: 'alert: { suppress: { for: 1h, by: [host.id, user.name] } }',
} as const;

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  return [...floodLines(isShort ? KEYS / 250 : KEYS), ...evilLines(), ...listLines()];
}

/** One host makes a new key with each event; another one's password is guessed all the while. */
function floodLines(keys: number): readonly string[] {
  const rules = Object.entries(FLOODED).map(([id, words]) => {
    const match = words.includes('sequence') ? '' : 'match: event.action = "failed"\n';
    return ruleOf(`id: ${id}\nname: Flooded\nseverity: low\n${match}${words}\n`);
  });
  const alone = engineOf(rules);
  const quiet = othersMicros(alone, Math.min(keys, 200_000), false);
  const engine = engineOf(rules);
  const before = heapBytes();
  const flooded = othersMicros(engine, keys, true);
  const grown = heapBytes() - before;
  const health = new Map(engine.health().map((row) => [row.ruleId, row]));
  const forgotten = [...health].map(([id, { evicted }]) => `${id} ${evicted}`);
  const missed = flooded.guessed - flooded.found;
  if (missed > 0) throw new Error(`the flood hid ${missed} of ${flooded.guessed} guessed passwords`);
  if (grown > 1_500 * 2 ** 20) throw new Error(`${Math.round(grown / 2 ** 20)} MiB are kept of the flood`);
  const named = ['threshold-by-host', 'threshold-across', 'sequence', 'absence-by-host'] as const;
  for (const id of named)
    if (keys > 20_000 && (health.get(id)?.evicted ?? 0) === 0) throw new Error(`${id} does not say what it forgot`);
  return [
    `${keys} keys of one host's choosing in ${rules.length} rules: ${told(flooded.micros)} each; ${engine.keys().keys} keys and ${engine.keys().kept} matches are live, ` +
      `${Math.round(grown / 2 ** 20)} MiB of heap`,
    `forgotten, as their rules' health says: ${forgotten.join(', ')}`,
    `another host meanwhile: ${flooded.found} of ${flooded.guessed} guessed passwords found; its events ${told(flooded.othersMicros)}, without the flood ${told(quiet.othersMicros)}`,
  ];
}

interface Flooded {
  /** CPU of one event of the flood. */
  readonly micros: number;
  readonly othersMicros: number;
  readonly guessed: number;
  readonly found: number;
}

function othersMicros(engine: Engine, keys: number, isFlooded: boolean): Flooded {
  let [micros, others, othersCount, guessed, found] = [0, 0, 0, 0, 0];
  for (let at = 0; at < keys; at += BATCH_EVENTS) {
    const count = Math.min(BATCH_EVENTS, keys - at);
    if (isFlooded) {
      const flood = Array.from({ length: count }, (_, index) => floodEvent(at + index));
      const begin = process.threadCpuUsage();
      engine.step(flood, EVERYTHING_PASSED);
      micros += microsSince(begin);
    }
    const events: NewEvent[] = [];
    for (let n = at; n < at + count; n += OTHERS_EVERY)
      events.push(otherEvent(n, n % 40 === 0 ? 'failed' : 'opened-file'));
    if (Math.floor((at + count) / GUESSED_EVERY) > Math.floor(at / GUESSED_EVERY)) {
      guessed += 1;
      for (let guess = 0; guess < GUESSES; guess += 1) events.push(otherEvent(at + guess, 'failed', `victim-${at}`));
    }
    othersCount += events.length;
    const begin = process.threadCpuUsage();
    const { detections } = engine.step(events, EVERYTHING_PASSED);
    others += microsSince(begin);
    found += detections.filter(({ ruleId, key }) => ruleId === 'threshold-by-host' && key.includes('victim-')).length;
  }
  return { micros: micros / keys, othersMicros: others / othersCount, guessed, found };
}

function floodEvent(n: number): NewEvent {
  return madeEvent(`f${n}`, { host: 'attacked', atMs: START_MS + n, user: `key-${n}`, action: 'failed', n });
}

function otherEvent(n: number, action: string, user = `user-${n % 50}`): NewEvent {
  return madeEvent(`o${n}-${user}`, { host: 'other', atMs: START_MS + n, user, action, n });
}

function madeEvent(
  id: string,
  of: {
    readonly host: string;
    readonly atMs: number;
    readonly user: string;
    readonly action: string;
    readonly n: number;
  },
): NewEvent {
  const created = new Date(of.atMs).toISOString();
  return {
    id,
    document: {
      '@timestamp': created,
      event: { action: of.action, created },
      host: { id: of.host, name: of.host, boot: { id: 'b' } },
      user: { name: of.user },
      process: { name: 'sshd' },
      vedette: { position: of.n },
    },
  };
}

/** Of 20,000 events with a text of 2,000 characters each. */
const EVIL_MS_MAX = 10_000;

/** Rules that would never end, each beside one that is as it should be. */
const EVIL: Readonly<Record<string, string>> = {
  'a nested repetition': '$matches(process.command_line, /^(a+)+$/)',
  'an endless recursion': '($f := function($n){ $f($n + 1) + 1 }; $f(0) > 0)',
  'a range of 10^9': '$count([1..1e9]) > 0',
  'a range multiplied': '$count([1..1e4].([1..1e4])) > 0',
  'a text doubled without end': '($f := function($t){ $f($t & $t) }; $f("ab") = "")',
};

function evilLines(): readonly string[] {
  const good = ruleOf('id: good\nname: Good\nseverity: low\nmatch: process.name = "nc"\n');
  const events = Array.from({ length: 20_000 }, (_, n): NewEvent => {
    const { id, document } = madeEvent(`e${n}`, {
      host: `h${n % 20}`,
      atMs: START_MS + n,
      user: 'u',
      action: 'executed',
      n,
    });
    const process = { name: n % 100 === 0 ? 'nc' : 'sh', command_line: `${'a'.repeat(2_000)}!` };
    return { id, document: { ...document, process } };
  });
  const cpu = (engine: Engine): number => {
    const begin = process.threadCpuUsage();
    for (let at = 0; at < events.length; at += BATCH_EVENTS)
      engine.step(events.slice(at, at + BATCH_EVENTS), EVERYTHING_PASSED);
    return microsSince(begin);
  };
  const aloneMicros = cpu(engineOf([good]));
  return Object.entries(EVIL).map(([name, match]) => {
    const evil = ruleOf(`id: evil\nname: Evil\nseverity: low\nmatch: |\n  ${match}\n`);
    const engine = engineOf([evil, good]);
    const extraMs = (cpu(engine) - aloneMicros) / 1_000;
    const rows = new Map(engine.health().map((row): [string, RuleHealth] => [row.ruleId, row]));
    const found = rows.get('good')?.matches ?? 0;
    if (found !== 200) throw new Error(`beside ${name} the other rule found ${found} of 200`);
    const [quarantine] = engine.quarantines();
    const { evaluations = 0, errors = 0, fuel = 0, lastError } = rows.get('evil') ?? {};
    // What stays in force has to keep to its share of each event.
    const { fuelPerEvent, fuelAtOnce } = CONTAINMENT_LIMITS;
    if (quarantine === undefined && fuel > fuelPerEvent * events.length + 2 * fuelAtOnce)
      throw new Error(
        `${name} costs more than its share, and is not quarantined: ${fuel / events.length} units, ${extraMs} ms, ${errors} ${lastError}`,
      );
    if (extraMs > EVIL_MS_MAX) throw new Error(`${name} took ${Math.round(extraMs)} ms`);
    const told =
      quarantine === undefined
        ? `keeps to its share, ${Math.round(fuel / events.length)} of ${fuelPerEvent} units an event, ${errors} errors`
        : `quarantined after ${evaluations} evaluations (${quarantine.reason})`;
    return `${name}: ${Math.round(extraMs)} ms of CPU on ${events.length} events, ${told}${lastError === undefined ? '' : `; ${lastError.slice(0, 90)}`}`;
  });
}

/** A list as large as it may be is read in bounded time; one of ten megabytes is refused with its reason, and the rules go on. */
function listLines(): readonly string[] {
  const rule: RuleFile = {
    file: 'r.yaml',
    kind: 'own',
    content: 'rules',
    text: 'id: r\nname: R\nseverity: low\nmatch: user.name in $many\n',
  };
  const other: RuleFile = {
    ...rule,
    file: 'other.yaml',
    text: 'id: other\nname: O\nseverity: low\nmatch: user.name = "x"\n',
  };
  return [9_500, 700_000].map((count) => {
    const values = Array.from({ length: count }, (_, n) => `  - name-${String(n).padStart(7, '0')}`).join('\n');
    const text = `name: many\ndescription: Many.\nowner: o\nreason: r\nvalues:\n${values}\n`;
    const list: RuleFile = { file: 'lists/many.yaml', kind: 'own', content: 'lists', text };
    const begin = process.threadCpuUsage();
    const { rules, diagnostics } = readRules([list, rule, other]);
    const ms = Math.round(microsSince(begin) / 1_000);
    const refused = diagnostics.find(({ file, severity }) => file === list.file && severity === 'error');
    const size = `${(text.length / 2 ** 20).toFixed(1)} MiB, ${count} values`;
    if (!rules.some(({ id }) => id === 'other')) throw new Error('a list took a rule with it that does not name it');
    if (refused !== undefined) return `a list of ${size}: refused in ${ms} ms, ${refused.message}`;
    const engine = engineOf(rules);
    const events = Array.from({ length: 20_000 }, (_, n) =>
      otherEvent(n, 'x', `name-${String(n * 3).padStart(7, '0')}`),
    );
    const beginStep = process.threadCpuUsage();
    engine.step(events, EVERYTHING_PASSED);
    return `a list of ${size}: read in ${ms} ms; an event ${told(microsSince(beginStep) / events.length)}, ${engine.health()[0]?.matches} matches`;
  });
}

function ruleOf(text: string): Rule {
  const { rules, diagnostics } = readRules([{ file: 'made.yaml', kind: 'own', content: 'rules', text }]);
  const [rule] = rules;
  if (rule === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return rule;
}

function engineOf(rules: readonly Rule[]): Engine {
  return createEngine({ epochs: [{ fromMs: 0, rules }], state: new Map() });
}
