// Rules as people look after them: what is in force, how each fares, what is quarantined, and its release.
import type { Rule } from '../rules/rule.ts';
import type { QuarantineApiRecord, ReleaseResponse, RuleApiRecord, RulesResponse } from './api.ts';
import { problem } from './api-error.ts';
import type { EngineRunner } from './engine-runner.ts';
import { API_PREFIX, accountIn, type Http } from './http.ts';
import type { QuarantineBook, QuarantineRecord } from './quarantine-book.ts';
import { fieldsOf, optionalTextIn } from './request-shape.ts';
import type { RuleBook } from './rule-book.ts';
import { notesOf } from './rule-notes.ts';

const NAME_LENGTH_MAX = 200;

export function ruleRoutes(
  { app, needs }: Http,
  context: {
    readonly rules: Pick<RuleBook, 'rules'>;
    readonly quarantines: QuarantineBook;
    readonly runner: Pick<EngineRunner, 'statistics' | 'greatestCreatedMs' | 'useQuarantines'>;
    readonly now: () => number;
  },
): void {
  const { rules, quarantines, runner, now } = context;

  app.get(`${API_PREFIX}/rules`, needs('read'), async (): Promise<RulesResponse> => {
    const health = new Map(runner.statistics().health.map((row) => [row.ruleId, row]));
    const held = quarantines.holding();
    return {
      rules: rules.rules().map((rule): RuleApiRecord => {
        const row = rule.status === 'off' ? undefined : health.get(rule.id);
        const own = held.filter(({ ruleId }) => ruleId === rule.id);
        return {
          ...shownRule(rule),
          notes: notesOf(rule, row, { quarantines: own, unseenFields: [] }),
          unseenFields: [],
          ...(row === undefined ? {} : { health: row }),
          quarantines: own.map(shownQuarantine),
        };
      }),
    };
  });

  app.post(`${API_PREFIX}/rules/:id/release`, needs('administer'), async (request): Promise<ReleaseResponse> => {
    const { id } = request.params as { readonly id: string };
    const said = optionalTextIn(fieldsOf(request.body), 'by', NAME_LENGTH_MAX)?.trim() ?? '';
    const account = accountIn(request).id;
    const by = said === '' ? account : `${said} (${account})`;
    const judged = { nowMs: now(), greatestCreatedMs: runner.greatestCreatedMs() };
    const released = quarantines.release(id, by, judged);
    if (released.length === 0)
      throw problem(404, 'not-quarantined', 'no rule of this id is quarantined', 'See `vedette rules health`.');
    runner.useQuarantines();
    return { released: released.map(shownQuarantine) };
  });
}

function shownRule({ id, version, name, severity, status, kind, file }: Rule) {
  return { id, version, name, severity, status, kind: kind.kind, file };
}

export function shownQuarantine(record: QuarantineRecord): QuarantineApiRecord {
  const { ruleId, ruleVersion, hostId, reason, fromMs, atMs, untilMs, released, isCaughtUp } = record;
  return {
    ruleId,
    ruleVersion,
    ...(hostId === undefined ? {} : { hostId }),
    reason,
    fromMs,
    atMs,
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(released === undefined ? {} : { released }),
    isCaughtUp,
  };
}
