// The quarantines of one group's rules: those of the published control log, and those that its engine decided and the log does not have
// yet. The latter are part of the group's journal, in the same generation as what the decision went with; the server enters them.
import type { Quarantine } from '../../engine/containment.ts';
import type { JournaledState } from '../../store/shared/journaled-state.ts';
import { type QuarantineBook, type QuarantineRecord, quarantinesOf } from '../quarantine-book.ts';
import type { ControlMirror } from './control-mirror.ts';

export interface GroupQuarantines extends Pick<QuarantineBook, 'holding' | 'enter' | 'list' | 'caughtUp'> {
  holding(): readonly QuarantineRecord[];
}

export function createGroupQuarantines(options: {
  readonly mirror: Pick<ControlMirror, 'entries'>;
  readonly journaled: Pick<JournaledState, 'askControl' | 'remember' | 'remembered'>;
  /** True of the rules that this group speaks for. */
  readonly owns: (ruleId: string) => boolean;
  readonly now: () => number;
}): GroupQuarantines {
  const { mirror, journaled, owns, now } = options;
  const caughtUp = new Set<number>();

  const published = (): readonly QuarantineRecord[] =>
    quarantinesOf(mirror.entries()).map((record) =>
      caughtUp.has(record.seq) ? { ...record, isCaughtUp: true } : record,
    );

  const undisclosed = (known: readonly QuarantineRecord[]): readonly QuarantineRecord[] => {
    const names = new Set(known.map(nameOf));
    const own: QuarantineRecord[] = [];
    for (const [name, text] of journaled.remembered()) {
      if (names.has(name)) journaled.remember(name, undefined);
      else own.push(JSON.parse(text) as QuarantineRecord);
    }
    return own;
  };

  return {
    list: () => published().filter(({ ruleId }) => owns(ruleId)),
    holding() {
      const known = published();
      return [...known.filter(({ isCaughtUp }) => !isCaughtUp), ...undisclosed(known)];
    },
    enter(decided) {
      for (const quarantine of decided) {
        const { ruleId, ruleVersion, hostId = null, fromMs, reason } = quarantine;
        const atMs = now();
        const record = { ...quarantine, seq: 0, atMs, released: undefined, isCaughtUp: false };
        journaled.remember(nameOf(record), JSON.stringify(record));
        journaled.askControl({ kind: 'quarantine', fromMs, ruleId, ruleVersion, hostId, reason, atMs });
      }
    },
    caughtUp({ seq, fromMs }) {
      caughtUp.add(seq);
      journaled.askControl({ kind: 'caught-up', fromMs, quarantine: seq });
    },
  };
}

/** What tells a quarantine from others, whoever numbered it. */
function nameOf({ ruleVersion, hostId = '', fromMs }: Quarantine): string {
  return JSON.stringify(['quarantine', ruleVersion, hostId, fromMs]);
}
