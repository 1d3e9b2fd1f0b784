// Which rules are quarantined, since when and why: what the engine decided (engine/containment.ts) is entered into the control log, and
// people release it. Each is a stored event too (`vedette.rule`), so that a rule can alert on it.
import type { Quarantine } from '../engine/containment.ts';
import { visible } from '../rules/diagnostic.ts';
import type { ControlEntry, ControlLogPort } from '../store/state/state-port.ts';
import { type JudgedTimes, pastAllJudgedMs } from './control-log.ts';
import type { ServerNotice } from './options.ts';
import type { OwnEvents } from './own-events.ts';

/** A quarantine as the control log has it. */
export interface QuarantineRecord extends Quarantine {
  /** Its number in the control log. */
  readonly seq: number;
  /** When it was decided, by the server's clock, epoch ms. */
  readonly atMs: number;
  readonly released: { readonly by: string; readonly atMs: number } | undefined;
  /** The rule has judged what it missed. */
  readonly isCaughtUp: boolean;
}

export interface QuarantineBook {
  /** Each that ever was, oldest first. */
  list(): readonly QuarantineRecord[];
  /** Those by which a rule has not judged something: in force, or released and not caught up. */
  holding(): readonly QuarantineRecord[];
  /** Durable when it returns; throws when it cannot be. */
  enter(decided: readonly Quarantine[]): void;
  /** Ends all of the rule that are in force; answers them. */
  release(ruleId: string, by: string, judged: JudgedTimes): readonly QuarantineRecord[];
  caughtUp(record: QuarantineRecord): void;
  /** Stores what could not be stored so far. */
  retell(): Promise<void>;
}

export function createQuarantineBook(options: {
  readonly log: ControlLogPort;
  readonly events: Pick<OwnEvents, 'tell'>;
  readonly now: () => number;
  readonly onNotice: (notice: ServerNotice) => void;
}): QuarantineBook {
  const { log, events, now, onNotice } = options;
  let records = quarantinesOf(log.entries());
  /** Events that the store could not take yet; no more than there are entries. */
  let untold: { readonly action: Action; readonly record: QuarantineRecord }[] = [];

  const readAgain = (): void => {
    records = quarantinesOf(log.entries());
  };

  const tell = async (action: Action, record: QuarantineRecord): Promise<void> => {
    try {
      await events.tell({
        dataset: 'vedette.rule',
        action,
        message: messageOf(action, record),
        key: action,
        counter: record.seq,
        fields: { rule: fieldsOf(record) },
      });
    } catch {
      untold.push({ action, record });
    }
  };

  return {
    list: () => records,
    holding: () => records.filter(({ isCaughtUp }) => !isCaughtUp),
    enter(decided) {
      const known = new Set(records.map(({ seq }) => seq));
      for (const { ruleId, ruleVersion, hostId = null, fromMs, reason } of decided) {
        log.append({ kind: 'quarantine', fromMs, ruleId, ruleVersion, hostId, reason, atMs: now() }, new Map());
      }
      readAgain();
      for (const record of records) {
        if (known.has(record.seq)) continue;
        onNotice({ kind: 'warning', message: visible(messageOf('rule-quarantined', record)) });
        void tell('rule-quarantined', record);
      }
    },
    release(ruleId, by, judged) {
      const inForce = records.filter((record) => record.ruleId === ruleId && record.untilMs === undefined);
      const released = new Set(inForce.map(({ seq }) => seq));
      for (const { seq, fromMs } of inForce) {
        const untilMs = Math.max(fromMs, pastAllJudgedMs(judged));
        log.append({ kind: 'release', fromMs: untilMs, quarantine: seq, by, atMs: judged.nowMs }, new Map());
      }
      readAgain();
      const now = records.filter(({ seq }) => released.has(seq));
      for (const record of now) void tell('rule-released', record);
      return now;
    },
    caughtUp(record) {
      log.append({ kind: 'caught-up', fromMs: record.fromMs, quarantine: record.seq }, new Map());
      readAgain();
    },
    async retell() {
      const again = untold;
      untold = [];
      for (const { action, record } of again) await tell(action, record);
    },
  };
}

/** The quarantines of a control log, with what became of each. */
export function quarantinesOf(entries: readonly ControlEntry[]): readonly QuarantineRecord[] {
  const records = new Map<number, QuarantineRecord>();
  for (const entry of entries) {
    if (entry.kind === 'quarantine') {
      const { seq, ruleId, ruleVersion, hostId, fromMs, reason, atMs } = entry;
      const quarantine = { ruleId, ruleVersion, hostId: hostId ?? undefined, fromMs, untilMs: undefined, reason };
      records.set(seq, { ...quarantine, seq, atMs, released: undefined, isCaughtUp: false });
    }
    if (entry.kind !== 'release' && entry.kind !== 'caught-up') continue;
    const record = records.get(entry.quarantine);
    if (record === undefined) continue;
    const change =
      entry.kind === 'caught-up'
        ? { isCaughtUp: true }
        : { untilMs: entry.fromMs, released: { by: entry.by, atMs: entry.atMs } };
    records.set(record.seq, { ...record, ...change });
  }
  return [...records.values()];
}

type Action = 'rule-quarantined' | 'rule-released';

function messageOf(action: Action, { ruleId, hostId, reason, released }: QuarantineRecord): string {
  const whose = hostId === undefined ? '' : ` for events of host ${hostId}`;
  if (action === 'rule-released') return `the rule ${ruleId} was released${whose} by ${released?.by ?? 'somebody'}`;
  return `the rule ${ruleId} is no longer evaluated${whose}: ${reason}`;
}

function fieldsOf({ ruleId, ruleVersion, hostId, fromMs, untilMs, reason, released }: QuarantineRecord) {
  return {
    id: ruleId,
    version: ruleVersion,
    ...(hostId === undefined ? {} : { host: hostId }),
    from: new Date(fromMs).toISOString(),
    ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
    reason,
    ...(released === undefined ? {} : { by: released.by }),
  };
}
