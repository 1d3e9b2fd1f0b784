// Which engine processes there are: one document in which each counts up its own number, so that the groups can be shared out evenly. It
// decides nothing exact: who owns a group is decided by the group's own document.
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';
import type { MemberSight } from './lease-plan.ts';

const MEMBERS_ID = 'members';
/** One that was seen unchanged for so long is crossed off. */
const CROSSED_OFF_MS = 60_000;
const ATTEMPTS = 4;

interface Member {
  readonly name: string;
  readonly beat: number;
  readonly groups: readonly number[];
}

export interface MemberBook {
  /** Says that this process lives, and answers who else does. */
  look(held: readonly number[]): Promise<readonly MemberSight[]>;
  leave(): Promise<void>;
}

export function createMemberBook(options: {
  readonly documents: SharedDocuments;
  readonly name: string;
  readonly monotonicMs: () => number;
}): MemberBook {
  const { documents, name, monotonicMs } = options;
  const sights = new Map<string, { readonly beat: number; readonly sinceMs: number }>();
  let beat = 0;

  const unchangedMs = (member: Member): number => {
    const before = sights.get(member.name);
    const sight = before?.beat === member.beat ? before : { beat: member.beat, sinceMs: monotonicMs() };
    sights.set(member.name, sight);
    return monotonicMs() - sight.sinceMs;
  };

  const change = async (held: readonly number[] | undefined): Promise<readonly Member[]> => {
    for (let attempt = 0; ; attempt += 1) {
      const document = (await documents.get([MEMBERS_ID])).get(MEMBERS_ID);
      const others = membersOf(document?.text).filter(
        (member) => member.name !== name && unchangedMs(member) < CROSSED_OFF_MS,
      );
      beat += 1;
      const members = held === undefined ? others : [...others, { name, beat, groups: held }];
      const written = await documents.replace(MEMBERS_ID, JSON.stringify({ v: 1, members }), document?.version);
      // Too many who write at the same time: the next look will do.
      if (written !== undefined || attempt >= ATTEMPTS) return members;
    }
  };

  return {
    async look(held) {
      const members = await change(held);
      return members.map((member) => ({
        name: member.name,
        held: member.groups.length,
        unchangedMs: unchangedMs(member),
      }));
    },
    async leave() {
      await change(undefined);
    },
  };
}

function membersOf(text: string | undefined): readonly Member[] {
  if (text === undefined) return [];
  const { members } = JSON.parse(text) as { readonly members?: readonly Member[] };
  return members ?? [];
}
