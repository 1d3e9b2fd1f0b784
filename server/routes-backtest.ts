// Backtests through the API: one rule's text, or everything as it was. One runs at a time, between the batches of which the
// server does its other work; its time and its answer are bounded, and its totals are exact for what it read.
import { behindGaps, compareDetections } from '../backtest/compare.ts';
import { withTheirNamed } from '../backtest/rule-tests.ts';
import { type BacktestRun, runBacktest } from '../backtest/run-backtest.ts';
import type { Quarantine } from '../engine/containment.ts';
import type { RuleEpoch } from '../engine/engine.ts';
import { FILL_MS_MAX, memoryMsOf } from '../engine/folding/folded-rule.ts';
import type { Diagnostic } from '../rules/diagnostic.ts';
import type { Rule } from '../rules/rule.ts';
import { readRuleSource, unknownRules } from '../rules/rule-files.ts';
import type { EventStore, TimeRange } from '../store/port.ts';
import type { AlertBookPort } from '../store/state/state-port.ts';
import type { BacktestResponse } from './api.ts';
import { busy, problem } from './api-error.ts';
import { API_PREFIX, type Http, signalOf } from './http.ts';
import { type Fields, fieldsOf, optionalTimeIn, optionalWholeIn, textIn, timeIn } from './request-shape.ts';
import { searchProblem } from './search-desk.ts';
import { isImported } from './silence.ts';

const BACKTEST_LIMIT = 100;
const BACKTEST_LIMIT_MAX = 10_000;
const BACKTEST_TIMEOUT_MS = 300_000;
/** At most so much before the range is read for open suppression windows. */
const WARMUP_MS_MAX: number = 7 * 86_400_000;
/** Of messages that leave at times of day. */
const SCHEDULE_WARMUP_MS = 86_400_000;
const RULE_TEXT_LENGTH_MAX = 262_144;
const SOURCES_MAX = 200;

export interface BacktestContext {
  readonly store: EventStore;
  readonly alerts: AlertBookPort;
  readonly now: () => number;
  readonly alertOnImports: boolean;
  readonly readRule: (
    file: string,
    text: string,
  ) => { readonly rules: readonly Rule[]; readonly diagnostics: readonly Diagnostic[] };
  /** Those in force now: what a `together` of the text may name. */
  readonly rulesInForce: () => readonly Rule[];
  /** The rules that were in force at and after this event time. */
  readonly epochsSince: (sinceMs: number) => readonly RuleEpoch[];
  /** What live did not judge, as the control log has it. */
  readonly quarantines: () => readonly Quarantine[];
  /** Up to when live has decided everything, epoch ms. */
  readonly settledMs: () => number;
}

export function backtestRoutes({ app, needs }: Http, context: BacktestContext): void {
  const { store, alerts, now, settledMs } = context;
  let isRunning = false;

  app.post(`${API_PREFIX}/backtest`, needs('read'), async (request, reply): Promise<BacktestResponse> => {
    const body = fieldsOf(request.body);
    const asItWas = body['asItWas'] === true;
    const fromMs = timeIn(body, 'sinceMs');
    const askedUntilMs = optionalTimeIn(body, 'untilMs') ?? now() + 1;
    const untilMs = asItWas ? Math.min(askedUntilMs, settledMs()) : askedUntilMs;
    const limit = optionalWholeIn(body, 'limit', { min: 1, max: BACKTEST_LIMIT_MAX }) ?? BACKTEST_LIMIT;
    const { epochs, diagnostics, asked } = asItWas
      ? { epochs: context.epochsSince(fromMs - WARMUP_MS_MAX), diagnostics: [], asked: undefined }
      : epochsOfText(context, body);
    if (epochs === undefined) return { ...NOTHING, diagnostics };
    if (isRunning) throw busy(429, 'backtest-running', 'another backtest runs', 5);
    isRunning = true;
    const signal = signalOf(reply, BACKTEST_TIMEOUT_MS);
    const startedMs = now();
    try {
      const range = { fromMs, untilMs: Math.max(fromMs, untilMs) };
      const run = await runBacktest({
        store,
        epochs,
        range,
        warmupMs: warmupOf(epochs, range, asItWas ? WARMUP_MS_MAX : FILL_MS_MAX),
        ...(asItWas ? { quarantines: context.quarantines() } : {}),
        isReported: (ruleId) => asked === undefined || asked.has(ruleId),
        isEvaluated: asItWas && !context.alertOnImports ? ({ document }) => !isImported(document) : () => true,
        signal,
        limits: { alertsMax: limit, ...(asItWas ? {} : { detectionsMax: 0 }) },
      });
      const figures = { ...figuresOf(run), durationMs: now() - startedMs, diagnostics };
      return asItWas ? { ...figures, differences: differencesOf(run, alerts, range, context.quarantines()) } : figures;
    } catch (error) {
      throw searchProblem(error, undefined);
    } finally {
      isRunning = false;
    }
  });
}

const NOTHING: BacktestResponse = {
  eventsRead: 0,
  isNarrowed: false,
  detections: 0,
  alerts: [],
  alertsTotal: 0,
  messages: 0,
  errors: 0,
  durationMs: 0,
  isComplete: true,
  diagnostics: [],
};

function epochsOfText(
  { readRule, rulesInForce }: BacktestContext,
  body: Fields,
): {
  readonly epochs: readonly RuleEpoch[] | undefined;
  readonly diagnostics: readonly Diagnostic[];
  /** Ids of the text's rules; the others of the epochs are what those are put together of. */
  readonly asked: ReadonlySet<string>;
} {
  if (body['rule'] === undefined) {
    throw problem(400, 'bad-request', 'neither `rule` nor `asItWas` is given', 'Give one of them.');
  }
  const rule = fieldsOf(body['rule']);
  const sources = sourcesIn(rule, 'sources');
  const beside = sourcesIn(rule, 'beside');
  const inForce = rulesInForce().filter(({ id }) => !beside.some((other) => other.id === id));
  const file = textIn(rule, 'file', 1_024);
  const text = textIn(rule, 'text', RULE_TEXT_LENGTH_MAX);
  const { rules, diagnostics } =
    sources.length > 0
      ? { rules: sources, diagnostics: unknownRules(sources, [...beside, ...inForce]) }
      : readRule(file, text);
  const hasErrors = diagnostics.some(({ severity }) => severity === 'error');
  const isBroken = hasErrors || rules.length === 0;
  const epochs = isBroken ? undefined : [{ fromMs: 0, rules: withTheirNamed(rules, [...beside, ...inForce]) }];
  return { epochs, diagnostics, asked: new Set(rules.map(({ id }) => id)) };
}

function sourcesIn(fields: Fields, name: string): readonly Rule[] {
  const given = fields[name] ?? [];
  const refused = problem(400, 'bad-request', `\`${name}\` is no list of rules with what they use`, 'Leave it out.');
  if (!Array.isArray(given) || given.length > SOURCES_MAX) throw refused;
  return given.map((source: unknown) => {
    const rule = typeof source === 'string' ? readRuleSource(source) : undefined;
    if (rule === undefined) throw refused;
    return rule;
  });
}

/**
 * So far back, within bounds, that windows which were open at the range's start are open again: twice the longest suppression, and
 * twice the longest group, and the longest memory of a rule on many events with that of one that takes its detections.
 */
function warmupOf(epochs: readonly RuleEpoch[], range: TimeRange, memoryMsMax: number): number {
  let suppressionMs = 0;
  let memoryMs = 0;
  let togetherMs = 0;
  for (const rule of epochs.flatMap(({ rules }) => rules)) {
    const { suppress, group } = rule.alert;
    if (group !== undefined)
      suppressionMs = Math.max(suppressionMs, group.span.kind === 'for' ? group.span.forMs : SCHEDULE_WARMUP_MS);
    suppressionMs = Math.max(suppressionMs, suppress?.growMs ?? suppress?.forMs ?? 0);
    if (rule.kind.kind === 'together') togetherMs = Math.max(togetherMs, memoryMsOf(rule));
    else memoryMs = Math.max(memoryMs, memoryMsOf(rule));
  }
  const foldedMs = Math.min(memoryMs + togetherMs, memoryMsMax);
  return Math.min(Math.max(Math.min(2 * suppressionMs, WARMUP_MS_MAX), foldedMs), range.fromMs);
}

function figuresOf(run: BacktestRun) {
  return {
    eventsRead: run.eventsRead,
    isNarrowed: run.isNarrowed,
    detections: run.detectionsTotal,
    alerts: run.alerts,
    alertsTotal: run.alertsTotal,
    messages: run.messages,
    errors: run.errors,
    isComplete: run.isComplete,
    ...(run.tooCostly.length === 0 ? {} : { tooCostly: run.tooCostly }),
  };
}

/** Of those, the newest are asked for what explains a difference. */
const GAPS_MAX = 10_000;

function differencesOf(
  run: BacktestRun,
  alerts: AlertBookPort,
  range: TimeRange,
  quarantines: readonly Quarantine[],
): NonNullable<BacktestResponse['differences']> {
  const compared = compareDetections(alerts.detections(range.fromMs, range.untilMs), run.detections);
  const { onlyLive, onlyBacktest, otherDecision, explainedByLateness } = compared;
  const otherGroup = [...run.groupOf].flatMap(([alertId, groupId]) => {
    const group = alerts.get(alertId)?.group;
    // What came late was sent apart, and what waits is not decided.
    const isSame = typeof group !== 'object' || group.isLate || group.groupId === groupId;
    return isSame ? [] : [alertId];
  });
  const again = new Set([...onlyBacktest, ...otherDecision]);
  const differing = [
    ...[...run.detections].filter(({ id }) => again.has(id)),
    ...onlyLive.flatMap((id) => alerts.detection(id) ?? []),
  ];
  const about = Object.fromEntries(differing.map(({ id, ruleId, eventId }) => [id, { ruleId, eventId }]));
  const afterGap = behindGaps(differing, alerts.gaps(GAPS_MAX));
  const explained = [...new Set([...explainedByLateness, ...afterGap])];
  const kept = new Set(quarantines.map(({ ruleId }) => ruleId));
  const quarantined = [...new Set(onlyBacktest.flatMap((id) => about[id]?.ruleId ?? []))].filter((id) => kept.has(id));
  return { onlyLive, onlyBacktest, otherDecision, explainedByLateness: explained, otherGroup, about, quarantined };
}
