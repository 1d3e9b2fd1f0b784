// Names of the ids of another host, learnt from its own enriched lines, and of nobody else. The logs of one file source are of one host,
// so a name that one line tells holds for the next, until a line tells another.
import type { AuditRecord } from '../audit/event.ts';
import { namesOf } from '../audit/foreign-enrichment.ts';
import type { Accounts } from './lineage/accounts.ts';

/** Names that are remembered, and lines of which it is known that they tell nothing new. */
const NAMES_MAX = 16_384;
const SEEN_MAX = 4_096;

export interface LearntNames extends Accounts {
  /** Takes in what a record tells. */
  learn(record: AuditRecord): void;
}

/** `local`: this host's own accounts, where the logs are its own. */
export function createLearntNames(local: Accounts | undefined): LearntNames {
  const users = new Map<number, string>();
  const groups = new Map<number, string>();
  const seen = new Set<string>();
  let version = 0;
  const put = (into: Map<number, string>, names: ReadonlyMap<number, string>): void => {
    for (const [id, name] of names) {
      if (into.get(id) === name) continue;
      version += 1;
      into.delete(id);
      into.set(id, name);
      if (into.size > NAMES_MAX) into.delete(into.keys().next().value ?? 0);
    }
  };
  return {
    learn(record) {
      const { text } = record;
      const marked = text.lastIndexOf('\x1d');
      if (marked < 0) return;
      // The ids of a SYSCALL and what they are called: the same line after line.
      const from = text.indexOf(' auid=');
      const to = text.indexOf(' tty=', from);
      const key = from > 0 && to > from ? text.slice(from, to) + text.slice(marked) : text;
      if (seen.has(key)) return;
      if (seen.size >= SEEN_MAX) seen.clear();
      seen.add(key);
      const names = namesOf([record]);
      put(users, names.users);
      put(groups, names.groups);
    },
    userName: (uid) => users.get(uid) ?? local?.userName(uid),
    groupName: (gid) => groups.get(gid) ?? local?.groupName(gid),
    ...(local?.userId === undefined ? {} : { userId: local.userId }),
    version: () => version + (local?.version?.() ?? 0),
  };
}
