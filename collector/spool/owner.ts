// Whose event it is, as one number: the unit of fairness. Who logged in, where somebody did, whatever they became later; else
// the container, whose root is another than the host's; else the user id where there is such an account. User ids without one
// share a few owners: who can take on any id gets no share for each. Our own documents are nobody's: no flood reaches them.
import { crc32 } from 'node:zlib';

const LOGIN_BASE = 2 ** 32;
export const OWN: number = 2 ** 33;
export const NOBODY: number = OWN + 1;
/** Of several users that had to share an account, because a segment had more users than are told apart. */
const SHARED_BASE: number = OWN + 2;
/** Beyond those that are told apart, users share this many accounts. */
const SHARED_ACCOUNTS = 16;
/** The first eight hex digits of a container's id; of one that has a name, its CRC-32. */
const CONTAINER_BASE: number = 2 ** 34;
const MACHINE_BASE: number = 2 ** 35;
const UNSET = 0xffff_ffff;

export function ownerOfIds(
  auid: string | undefined,
  uid: string | undefined,
  hasAccount: (uid: number) => boolean = () => true,
): number {
  const login = idOf(auid);
  if (login !== undefined) return LOGIN_BASE + login;
  const user = idOf(uid);
  if (user === undefined) return NOBODY;
  return hasAccount(user) ? user : sharedOwner(user);
}

export function isLogin(owner: number): boolean {
  return owner >= LOGIN_BASE && owner < OWN;
}

export function ownerOfContainer(id: string): number {
  return /^[0-9a-f]{12,64}$/.test(id) ? CONTAINER_BASE + Number.parseInt(id.slice(0, 8), 16) : MACHINE_BASE + crc32(id);
}

export function sharedOwner(owner: number): number {
  return SHARED_BASE + (owner % SHARED_ACCOUNTS);
}

/** For people and for the loss record. */
export function ownerName(owner: number): string {
  if (owner < LOGIN_BASE) return `uid=${owner}`;
  if (owner < OWN) return `auid=${owner - LOGIN_BASE}`;
  if (owner === OWN) return 'the collector';
  if (owner >= MACHINE_BASE) return 'a container';
  if (owner >= CONTAINER_BASE) return `container=${(owner - CONTAINER_BASE).toString(16).padStart(8, '0')}`;
  return owner === NOBODY ? 'no user' : 'several users';
}

function idOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === 'unset') return undefined;
  const id = Number(text);
  return Number.isInteger(id) && id >= 0 && id < UNSET ? id : undefined;
}
