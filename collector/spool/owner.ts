// Whose event it is, as one number: the unit of fairness. Who logged in, where somebody did, whatever they became later; else
// the user id. Our own documents are nobody's: no flood reaches them.

const LOGIN_BASE = 2 ** 32;
export const OWN: number = 2 ** 33;
export const NOBODY: number = OWN + 1;
/** Of several users that had to share an account, because a segment had more users than are told apart. */
const SHARED_BASE: number = OWN + 2;
/** Beyond those that are told apart, users share this many accounts. */
const SHARED_ACCOUNTS = 16;
const UNSET = 0xffff_ffff;

export function ownerOfIds(auid: string | undefined, uid: string | undefined): number {
  const login = idOf(auid);
  if (login !== undefined) return LOGIN_BASE + login;
  return idOf(uid) ?? NOBODY;
}

export function sharedOwner(owner: number): number {
  return SHARED_BASE + (owner % SHARED_ACCOUNTS);
}

/** For people and for the loss record. */
export function ownerName(owner: number): string {
  if (owner < LOGIN_BASE) return `uid=${owner}`;
  if (owner < OWN) return `auid=${owner - LOGIN_BASE}`;
  if (owner === OWN) return 'the collector';
  return owner === NOBODY ? 'no user' : 'several users';
}

function idOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === 'unset') return undefined;
  const id = Number(text);
  return Number.isInteger(id) && id >= 0 && id < UNSET ? id : undefined;
}
