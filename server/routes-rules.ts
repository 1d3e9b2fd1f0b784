// Rules as people look after them: what is in force, how each fares, what is quarantined, and its release.
import type { QuarantineApiRecord, ReleaseResponse, RuleApiRecord, RulesResponse } from './api.ts';
import { problem } from './api-error.ts';
import type { EngineRunner } from './engine-runner.ts';
import { API_PREFIX, accountIn, type Http } from './http.ts';
import type { QuarantineBook, QuarantineRecord } from './quarantine-book.ts';
import { fieldsOf, optionalTextIn } from './request-shape.ts';
import type { RuleReport } from './rule-report.ts';

const NAME_LENGTH_MAX = 200;

export function ruleRoutes(
  { app, needs }: Http,
  context: {
    readonly report: () => readonly RuleReport[];
    readonly quarantines: QuarantineBook;
    readonly runner: Pick<EngineRunner, 'greatestCreatedMs'>;
    /** Puts a release into force. */
    readonly onReleased: () => void;
    readonly now: () => number;
  },
): void {
  const { report, quarantines, runner, now } = context;

  app.get(`${API_PREFIX}/rules`, needs('read'), async (): Promise<RulesResponse> => ({ rules: report().map(shown) }));

  app.post(`${API_PREFIX}/rules/:id/release`, needs('administer'), async (request): Promise<ReleaseResponse> => {
    const { id } = request.params as { readonly id: string };
    const said = optionalTextIn(fieldsOf(request.body), 'by', NAME_LENGTH_MAX)?.trim() ?? '';
    const account = accountIn(request).id;
    const by = said === '' ? account : `${said} (${account})`;
    const judged = { nowMs: now(), greatestCreatedMs: runner.greatestCreatedMs() };
    const released = quarantines.release(id, by, judged);
    if (released.length === 0)
      throw problem(404, 'not-quarantined', 'no rule of this id is quarantined', 'See `vedette rules health`.');
    context.onReleased();
    return { released: released.map(shownQuarantine) };
  });
}

function shown({ rule, health, quarantines, unseenFields, notes }: RuleReport): RuleApiRecord {
  const { id, version, name, severity, status, kind, file } = rule;
  return {
    ...{ id, version, name, severity, status, kind: kind.kind, file },
    notes,
    unseenFields: unseenFields.map(({ field }) => field),
    ...(health === undefined ? {} : { health }),
    quarantines: quarantines.map(shownQuarantine),
  };
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
