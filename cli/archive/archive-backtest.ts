// A rule over an archive, here and without a server: the archive's parts are in reference order, so they are read as a store is scanned.
import { withTheirNamed } from '../../backtest/rule-tests.ts';
import { runBacktest } from '../../backtest/run-backtest.ts';
import type { NewEvent } from '../../event/document.ts';
import { orderKeyOf } from '../../event/order.ts';
import { readRuleText, unknownRules } from '../../rules/rule-files.ts';
import { type RuleFolder, readNameFolders, readRuleFolders } from '../../rules/rule-folders.ts';
import type { BacktestResponse } from '../../server/api.ts';
import type { TimeRange } from '../../store/port.ts';
import { type Archive, checkPart } from './archive.ts';
import { readPart } from './part-reader.ts';

export interface ArchiveBacktest {
  readonly folder: string;
  readonly archive: Archive;
  readonly rule: { readonly file: string; readonly text: string };
  /** Whose lists, macros and rules the rule may name. */
  readonly ruleFolders: readonly RuleFolder[];
  readonly range: TimeRange;
  readonly limit: number;
  readonly now: () => number;
}

/** Throws ArchiveDamaged where a part is not what the list says. */
export async function backtestArchive(asked: ArchiveBacktest): Promise<BacktestResponse> {
  const { folder, archive, rule, range, limit, now } = asked;
  const startedMs = now();
  const { lists, macros } = readNameFolders(asked.ruleFolders);
  const read = readRuleText(rule.file, rule.text, lists, { macros, nowMs: startedMs });
  const { rules } = read;
  const known = rules.some(({ kind }) => kind.kind === 'together') ? readRuleFolders(asked.ruleFolders).rules : [];
  const diagnostics = [...read.diagnostics, ...unknownRules(rules, known)];
  const ids = new Set(rules.map(({ id }) => id));
  const isBroken = diagnostics.some(({ severity }) => severity === 'error') || rules.length === 0;
  const run = await runBacktest({
    store: { scan: (scanned) => scan(folder, archive, scanned) },
    epochs: isBroken ? [] : [{ fromMs: 0, rules: withTheirNamed(rules, known) }],
    isReported: (ruleId) => ids.has(ruleId),
    range: isBroken ? { fromMs: 0, untilMs: 0 } : range,
    limits: { alertsMax: limit, detectionsMax: 0 },
  });
  return {
    eventsRead: run.eventsRead,
    // An archive has no index: every event was read.
    isNarrowed: false,
    detections: run.detectionsTotal,
    alerts: run.alerts,
    alertsTotal: run.alertsTotal,
    messages: run.messages,
    errors: run.errors,
    durationMs: now() - startedMs,
    isComplete: archive.isComplete,
    ...(run.tooCostly.length === 0 ? {} : { tooCostly: run.tooCostly }),
    diagnostics,
  };
}

async function* scan(folder: string, archive: Archive, { fromMs, untilMs }: TimeRange): AsyncGenerator<NewEvent[]> {
  for (const part of archive.parts) {
    if (part.untilMs < fromMs || part.fromMs >= untilMs) continue;
    await checkPart(folder, part);
    for await (const lines of readPart(folder, part)) {
      const events = lines.flatMap((line) => (line.kind === 'event' ? [{ id: line.id, document: line.document }] : []));
      yield events.filter(({ id, document }) => {
        const { createdMs } = orderKeyOf(id, document);
        return createdMs >= fromMs && createdMs < untilMs;
      });
    }
  }
}
