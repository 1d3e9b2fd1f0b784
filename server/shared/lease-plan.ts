// Which groups a process takes and which it gives up, at one look at all leases. Clocks of other processes count for nothing: a lease
// has run out when this process itself has seen it unchanged for long enough, by its own clock that never jumps.

/** A lease that was seen unchanged for so long is anybody's. */
export const LEASE_EXPIRES_MS = 5_500;
/** So long after a write that counted the owner may believe that it still holds the lease: less than others wait. */
export const LEASE_PROVEN_MS = 4_000;
/** A process that was seen unchanged for so long counts no more when groups are shared out. */
const MEMBER_GONE_MS = 5_000;

export interface LeaseSight {
  readonly group: number;
  /** Null: nobody. */
  readonly owner: string | null;
  /** For how long this process has seen it as it is, ms. */
  readonly unchangedMs: number;
}

export interface MemberSight {
  readonly name: string;
  /** How many groups it says that it runs. */
  readonly held: number;
  readonly unchangedMs: number;
}

export interface LeasePlan {
  readonly take: readonly number[];
  readonly release: readonly number[];
}

export function planLeases(looked: {
  readonly me: string;
  /** The groups that this process runs. */
  readonly held: readonly number[];
  readonly leases: readonly LeaseSight[];
  readonly members: readonly MemberSight[];
}): LeasePlan {
  const { me, held, leases, members } = looked;
  const others = members.filter(({ name, unchangedMs }) => name !== me && unchangedMs < MEMBER_GONE_MS);
  const alive = [...others, { name: me, held: held.length }];
  // Where it does not come out even, those that have more already keep more: few groups move.
  alive.sort((a, b) => b.held - a.held || (a.name < b.name ? -1 : 1));
  const isAmongFirst = alive.findIndex(({ name }) => name === me) < leases.length % alive.length;
  const share = Math.floor(leases.length / alive.length) + (isAmongFirst ? 1 : 0);
  const own = new Set(held);
  const free = leases.filter(
    ({ group, owner, unchangedMs }) =>
      !own.has(group) && (owner === null || owner === me || unchangedMs >= LEASE_EXPIRES_MS),
  );
  // One at a time: each is one that stands still while it is handed over.
  const release = held.length > share ? held.slice(-1) : [];
  const take = free.slice(0, Math.max(0, share - held.length)).map(({ group }) => group);
  return { take, release };
}
