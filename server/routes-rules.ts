// Rules as people look after them: what is in force, how each fares, what is quarantined, and its release.
import type { LiveWindowsResponse, QuarantineApiRecord, ReleaseResponse, RuleApiRecord, RulesResponse } from './api.ts';
import { problem } from './api-error.ts';
import type { EngineRunner } from './engine-runner.ts';
import { API_PREFIX, accountIn, type Http } from './http.ts';
import type { QuarantineBook, QuarantineRecord } from './quarantine-book.ts';
import { fieldsOf, optionalTextIn } from './request-shape.ts';
import type { RuleReport } from './rule-report.ts';

const NAME_LENGTH_MAX = 200;
const KEY_LENGTH_MAX = 10_000;
const WINDOWS_DEFAULT = 10;
const WINDOWS_MAX = 100;

export function ruleRoutes(
  { app, needs }: Http,
  context: {
    readonly report: () => readonly RuleReport[];
    readonly quarantines: QuarantineBook;
    readonly runner: Pick<EngineRunner, 'greatestCreatedMs' | 'liveKeys'>;
    /** Puts a release into force. */
    readonly onReleased: () => void;
    readonly now: () => number;
  },
): void {
  const { report, quarantines, runner, now } = context;

  app.get(`${API_PREFIX}/rules`, needs('read'), async (): Promise<RulesResponse> => ({ rules: report().map(shown) }));

  app.get(`${API_PREFIX}/rules/:id/windows`, needs('read'), async (request): Promise<LiveWindowsResponse> => {
    const { id } = request.params as { readonly id: string };
    const { key, limit } = request.query as Readonly<Record<string, unknown>>;
    const wanted = typeof key === 'string' ? wantedValues(key) : undefined;
    const atMs = runner.greatestCreatedMs();
    const question = {
      ruleId: id,
      isAsked: (of: string): boolean => wanted === undefined || JSON.stringify(valuesOf(of)) === wanted,
      limit: Math.min(WINDOWS_MAX, Math.max(1, Math.floor(Number(limit ?? WINDOWS_DEFAULT)) || WINDOWS_DEFAULT)),
      nowMs: atMs,
    };
    if (runner.liveKeys === undefined)
      throw problem(
        409,
        'evaluated-elsewhere',
        'other processes evaluate the rules',
        'Ask with --since: the store is read then.',
      );
    const live = runner.liveKeys(question);
    if (live === undefined)
      throw problem(404, 'no-windows', 'no rule on many events in force has this id', 'See `vedette rules list`.');
    return { ruleId: id, atMs, keys: live.keys, keysTotal: live.total };
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
    context.onReleased();
    return { released: released.map(shownQuarantine) };
  });
}

/** Values are compared as text: nobody types the quotes of JSON. */
function wantedValues(key: string): string {
  const values = valuesOf(key);
  if (values === undefined || key.length > KEY_LENGTH_MAX)
    throw problem(
      400,
      'bad-request',
      '`key` is no JSON list of values',
      'Give the values of `by`, such as ["web1","root"].',
    );
  return JSON.stringify(values);
}

function valuesOf(json: string): readonly string[] | undefined {
  try {
    const values: unknown = JSON.parse(json);
    if (!Array.isArray(values)) return undefined;
    return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
  } catch {
    return undefined;
  }
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
