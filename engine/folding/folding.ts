// Rules on many events in the engine: which versions judge an event, what they keep of it, and what comes of it. Detections of
// one rule may be matches of another (`together`), so levels are folded one after the other within the same step.
import type { Gap } from '../../event/detection.ts';
import type { EventDocument } from '../../event/document.ts';
import type { OrderKey } from '../../event/order.ts';
import type { Predicate, Rule } from '../../rules/rule.ts';
import { type CandidateDetection, candidateOfFound } from '../candidate-detection.ts';
import type { LiveKeys, LiveKeysQuestion, RuleEpoch, Watermarks } from '../engine.ts';
import { foldedKeyIdOf } from '../identity.ts';
import { keyReader } from '../key.ts';
import type { MatchValue } from '../kinds/kind-fold.ts';
import { standingOf } from '../kinds/standing.ts';
import type { EngineLimits } from '../limits.ts';
import { StateUnreadable } from '../state-unreadable.ts';
import { foldedRules, isWithin, singleTogethers, withFilling } from './folded-rule.ts';
import { filledKey, filledText, readFilled, readFolding } from './folding-text.ts';
import type { KindCounter, Raised } from './key-folding.ts';
import { createKindBook } from './kind-book.ts';
import type { Amended } from './late-matches.ts';
import type { MatchRecord } from './match-record.ts';
import { type Sample, type Teller, tellerOf } from './sample.ts';

/** What a rule comes upon: an event, and what its predicates say of it. */
interface Matched {
  readonly rule: Rule;
  readonly document: EventDocument;
  readonly order: OrderKey;
}

interface FoldedCandidate {
  readonly candidate: CandidateDetection;
  readonly isLate: boolean;
  /** True when its suppression has to wait for other hosts than its key did. */
  readonly waitsForAll: boolean;
}

interface FoldedStep {
  readonly candidates: readonly FoldedCandidate[];
  readonly amended: readonly Amended[];
  readonly gaps: readonly Gap[];
}

/** A rule that comes into force and is to be folded over the past first. */
export interface Unfilled {
  readonly rule: Rule;
  /** The events to fold it over: those with `event.created` in this range. */
  readonly sinceMs: number;
  readonly fromMs: number;
}

export interface Folding {
  /** The rules that judge events from a time on: those in force, and those that are filled before they come into force. */
  readonly epochs: readonly RuleEpoch[];
  isFolded(rule: Rule): boolean;
  /** The rule's `match` holds of the event. `holds` evaluates further predicates of the rule on it. */
  see(matched: Matched, holds: (predicate: Predicate) => boolean): void;
  /** A rule on single events found this event. */
  detected(matched: Matched, detectionId: string): void;
  advance(watermarks: Watermarks): FoldedStep;
  /** Puts what changed since the last call, as state entries, among the others. */
  takeChanges(into: Map<string, string | undefined>): void;
  unfilled(): readonly Unfilled[];
  /** What `see` is given from now on until `finish` is of the past of this version, in reference order. */
  fill(ruleVersion: string): { finish(): void };
  waiting(): number;
  isIdle(): boolean;
  counts(): { readonly keys: number; readonly kept: number };
  /** The live windows of the rule's newest version; undefined where none has this id. */
  liveKeys(question: LiveKeysQuestion): LiveKeys | undefined;
}

export interface FoldingOptions {
  readonly epochs: readonly RuleEpoch[];
  readonly state: ReadonlyMap<string, string>;
  readonly limits: EngineLimits;
  /** True where the past of a new rule is not among the events that are given, and has to be asked for. */
  readonly asksForPast: boolean;
  readonly count: (ruleId: string, counter: KindCounter) => void;
  /** False while the rule is kept from events: what it would find may be for want of them. */
  readonly mayFind: (rule: Rule, at: OrderKey) => boolean;
}

export function createFolding(options: FoldingOptions): Folding {
  const { epochs, state, limits, asksForPast, count, mayFind } = options;
  const rules = foldedRules(epochs);
  const singles = singleTogethers(epochs);
  const levels = Math.max(-1, ...[...rules.values()].map(({ level }) => level));
  const restored = readFolding(state, (key, cause) => new StateUnreadable(key, cause));
  const book = createKindBook({ limits, rules, restored, count });
  const marks = new Map<string, string | undefined>();
  const keyIdOf = rememberedKeyIds();
  const unfilled = new Map<string, Unfilled>();
  const filledFrom = readFilled(state);
  /** The version that is being filled, and what takes its matches. */
  let filling: { readonly version: string; readonly see: (record: MatchRecord) => void } | undefined;

  for (const version of filledFrom.keys()) if (!rules.has(version)) marks.set(filledKey(version), undefined);
  for (const [version, { rule, filling: past }] of asksForPast ? rules : []) {
    const last = past.at(-1);
    if (last === undefined || filledFrom.get(version) === last.untilMs) continue;
    unfilled.set(version, { rule, sinceMs: last.fromMs, fromMs: last.untilMs });
    book.hold(version);
  }

  const takingOf = (rule: Rule): readonly Rule[] =>
    rules.get(rule.version)?.togethers ?? singles.get(rule.version) ?? NO_RULES;

  const tellers = new Map<string, Teller>();
  const tellerFor = (rule: Rule): Teller => {
    let teller = tellers.get(rule.version);
    if (teller === undefined) {
      teller = tellerOf(rule, () => takingOf(rule).map((other) => ({ rule: other, teller: tellerFor(other) })));
      tellers.set(rule.version, teller);
    }
    return teller;
  };
  /** Rules name the same list of fields for each event. */
  const keyReaders = new Map<readonly string[], (document: EventDocument) => string>();
  const keyOf = (document: EventDocument, by: readonly string[]): string => {
    let read = keyReaders.get(by);
    if (read === undefined) {
      read = keyReader(by);
      keyReaders.set(by, read);
    }
    return read(document);
  };

  const take = (record: MatchRecord, createdMs: number): void => {
    if (filling?.version === record.ruleVersion) filling.see(record);
    else if (createdMs >= (unfilled.get(record.ruleVersion)?.fromMs ?? Number.NEGATIVE_INFINITY)) book.add(record);
  };

  /** A detection becomes a match of the rules on many detections that ask for its rule. */
  const feed = (
    rule: Rule,
    found: { readonly id: string; readonly at: OrderKey; readonly sample: Sample | undefined },
  ) => {
    for (const other of takingOf(rule)) {
      const told = found.sample?.together?.[other.version];
      const folded = rules.get(other.version);
      if (told === undefined || folded === undefined || other.kind.kind !== 'together') continue;
      if (!isWithin(folded.inForce, found.at.createdMs)) continue;
      const role = other.kind.rules.indexOf(rule.id);
      const { key, sample } = told;
      book.add({
        order: found.at,
        role,
        values: NO_VALUES,
        ruleVersion: other.version,
        keyId: keyIdOf(other, key),
        key,
        place: role,
        sample,
        detectionId: found.id,
        storedAs: undefined,
      });
    }
  };

  const candidateFrom = (raised: Raised): FoldedCandidate => {
    const { folded, detectionId, key, isLate } = raised;
    const { found, record } = raised.finding;
    const { rule, isHostBound } = folded;
    const candidate = candidateOfFound(rule, {
      detectionId,
      key,
      found,
      sample: record?.sample,
      teller: tellerFor(rule),
      isHostBound,
    });
    feed(rule, { id: detectionId, at: found.at, sample: record?.sample });
    return {
      candidate,
      isLate,
      waitsForAll: isHostBound && candidate.kind === 'suppressed' && candidate.scope === 'all',
    };
  };

  return {
    epochs: withFilling(epochs, [...rules.values()]),
    isFolded: (rule) => rules.has(rule.version),
    see({ rule, document, order }, holds) {
      const folded = rules.get(rule.version);
      if (folded === undefined) return;
      let sample: Sample | undefined;
      folded.partsOf(document, holds).forEach(({ by, role, values }, place) => {
        sample ??= tellerFor(rule).sampleOf(document, order);
        const key = keyOf(document, by);
        const keyId = keyIdOf(rule, key);
        take(
          {
            order,
            role,
            values,
            ruleVersion: rule.version,
            keyId,
            key,
            place,
            sample,
            detectionId: undefined,
            storedAs: undefined,
          },
          order.createdMs,
        );
      });
    },
    detected({ rule, document, order }, detectionId) {
      if (!singles.has(rule.version)) return;
      feed(rule, { id: detectionId, at: order, sample: tellerFor(rule).sampleOf(document, order) });
    },
    advance(watermarks) {
      const candidates: FoldedCandidate[] = [];
      const amended: Amended[] = [];
      const gaps: Gap[] = [];
      for (let level = 0; level <= levels; level += 1) {
        const advanced = book.advance(level, watermarks);
        for (const one of advanced.raised) {
          if (mayFind(one.folded.rule, one.finding.found.at)) candidates.push(candidateFrom(one));
        }
        for (const one of advanced.amended) {
          amended.push(one);
          book.remove(one.detectionId);
          if (one.finding === undefined) continue;
          const { found, record } = one.finding;
          feed(one.rule, { id: one.detectionId, at: found.at, sample: record?.sample });
        }
        gaps.push(...advanced.gaps);
      }
      return { candidates, amended, gaps };
    },
    takeChanges(into) {
      for (const [key, text] of marks) into.set(key, text);
      marks.clear();
      book.takeChanges(into);
    },
    unfilled: () => [...unfilled.values()],
    fill(version) {
      const past = unfilled.get(version);
      const { see, finish } = book.fill(version);
      filling = { version, see };
      return {
        finish() {
          filling = undefined;
          if (past === undefined) return;
          finish(past.fromMs);
          unfilled.delete(version);
          marks.set(filledKey(version), filledText(past.fromMs));
        },
      };
    },
    waiting: book.waiting,
    isIdle: book.isIdle,
    counts: book.counts,
    liveKeys({ ruleId, isAsked, limit, nowMs }) {
      const newest = [...rules.values()].filter(({ rule }) => rule.id === ruleId).at(-1);
      if (newest === undefined) return undefined;
      const { rule } = newest;
      const { keys, total } = book.newestKeys(rule.version, isAsked, limit);
      return {
        total,
        keys: keys.map(({ key, last, state, kept }) => ({
          ruleVersion: rule.version,
          key,
          lastMs: last?.order.createdMs ?? 0,
          standing: standingOf(rule.kind, state, Math.max(nowMs, last?.order.createdMs ?? nowMs)),
          eventIds: kept.slice(-EVENT_IDS_TOLD_MAX).map(({ order }) => order.id),
        })),
      };
    },
  };
}

/** Of a live window. */
const EVENT_IDS_TOLD_MAX = 20;
const NO_RULES: readonly Rule[] = [];
const NO_VALUES: readonly MatchValue[] = [];
/** Ids of keys that were met of late: a digest costs more than all else that a match needs. */
const KEY_IDS_MAX = 10_000;

/** By rule version, then by key. */
function rememberedKeyIds(): (rule: Rule, key: string) => string {
  const known = new Map<string, Map<string, string>>();
  let size = 0;
  return ({ id: ruleId, version }, key) => {
    let ids = known.get(version);
    const before = ids?.get(key);
    if (before !== undefined) return before;
    if (size >= KEY_IDS_MAX) {
      known.clear();
      [size, ids] = [0, undefined];
    }
    const id = foldedKeyIdOf(ruleId, version, key);
    known.set(version, (ids ?? new Map<string, string>()).set(key, id));
    size += 1;
    return id;
  };
}
