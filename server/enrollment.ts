// How a host gets its token: by the enrolment secret, once. A host id that is known already (revoked or not) is given a new token
// only where an admin vouches for it, so that nobody who learns the secret can take a host's place. A host may name its token itself:
// then it can ask again when the answer was lost, since who names the token of a known host is that host.
import { HOST_ID_PATTERN } from '../event/id.ts';
import type { Account, AccountPort } from '../store/state/state-port.ts';
import type { EnrollResponse } from './api.ts';
import { busy, problem } from './api-error.ts';
import type { Attempts } from './attempts.ts';
import type { HostBook } from './host-book.ts';
import { hashOf, isHostToken, isSameSecret, newSecret } from './secrets.ts';

/** The longest host name. */
export const HOST_NAME_LENGTH_MAX = 255;
/** So many hosts can be enrolled. */
const HOSTS_MAX = 50_000;

export interface EnrollmentContext {
  readonly accounts: AccountPort;
  readonly hosts: HostBook;
  readonly attempts: Attempts;
  readonly enrollmentSecret: string;
  readonly hostsMax?: number;
}

export interface EnrollmentAttempt {
  readonly secret: string;
  readonly hostId: string;
  readonly hostName: string;
  /** The token that the host would like, if it names one. */
  readonly token: string | undefined;
  /** Whom the request's own token speaks for, if it brought one. */
  readonly account: Account | undefined;
  /** The address it came from. */
  readonly sender: string;
  readonly nowMs: number;
}

/** Enrols, or throws the problem to answer with. */
export function enroll(context: EnrollmentContext, attempt: EnrollmentAttempt): EnrollResponse {
  const { accounts, hosts, attempts, enrollmentSecret } = context;
  const { secret, hostId, hostName, token: wanted, account, sender, nowMs } = attempt;
  if (!attempts.isAllowed(sender, nowMs)) throw busy(429, 'too-many-attempts', 'too many failed enrolments', 60);
  if (!isSameSecret(secret, enrollmentSecret)) {
    attempts.fail(sender, nowMs);
    throw problem(
      401,
      'wrong-secret',
      'the enrolment secret is wrong',
      'It stands in <data>/server/enrollment.secret.',
    );
  }
  checkHost(hostId, hostName);
  if (wanted !== undefined && !isHostToken(wanted)) {
    throw problem(
      400,
      'token',
      'token must be `vdt_h_` and 32 random bytes in base64url',
      'Leave it out to be given one.',
    );
  }
  const holder = wanted === undefined ? undefined : accounts.byTokenHash(hashOf(wanted));
  if (wanted !== undefined && holder?.id === hostId && !holder.isRevoked) return { host_id: hostId, token: wanted };
  const isKnown = accounts.byId(hostId) !== undefined;
  if (isKnown && account?.role !== 'admin') {
    attempts.fail(sender, nowMs);
    throw problem(
      403,
      'host-known',
      `host ${hostId} is enrolled already`,
      'Keep its token, or send an admin’s token with the request to replace it.',
    );
  }
  if (!isKnown) checkRoom(context);
  const token = wanted === undefined || holder !== undefined ? newSecret('host') : wanted;
  accounts.put({ id: hostId, role: 'host', isRevoked: false, createdMs: nowMs }, hashOf(token));
  hosts.enter(hostId, hostName, nowMs);
  return { host_id: hostId, token };
}

/** Enters a host for which an admin wants a token: one whose shipper cannot enrol by itself. */
export function addHost(
  context: EnrollmentContext,
  wanted: {
    readonly hostId: string;
    readonly hostName: string;
    /** Of a known host the former token ends. */
    readonly replacesToken: boolean;
    readonly nowMs: number;
  },
): EnrollResponse {
  const { accounts, hosts } = context;
  const { hostId, hostName, replacesToken, nowMs } = wanted;
  checkHost(hostId, hostName);
  const isKnown = accounts.byId(hostId) !== undefined;
  if (isKnown && !replacesToken) {
    throw problem(
      409,
      'host-known',
      `host ${hostId} has a token already`,
      'Keep it, or ask for a new one with `--new-token`: the former one ends.',
    );
  }
  if (!isKnown) checkRoom(context);
  const token = newSecret('host');
  accounts.put({ id: hostId, role: 'host', isRevoked: false, createdMs: nowMs }, hashOf(token));
  hosts.enter(hostId, hostName, nowMs);
  return { host_id: hostId, token };
}

/** A host id that says the host's name: what an id cannot hold becomes a dash. */
export function hostIdOf(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 64);
}

function checkHost(hostId: string, hostName: string): void {
  if (!HOST_ID_PATTERN.test(hostId)) {
    throw problem(400, 'host-id', 'host.id must be 1 to 64 letters, digits, `_` or `-`', 'Choose another host id.');
  }
  if (hostName === '' || hostName.length > HOST_NAME_LENGTH_MAX || /[\u0000-\u001f\u007f]/.test(hostName)) {
    throw problem(
      400,
      'host-name',
      `host.name must be 1 to ${HOST_NAME_LENGTH_MAX} plain characters`,
      'Choose another name.',
    );
  }
}

function checkRoom({ hosts, hostsMax = HOSTS_MAX }: EnrollmentContext): void {
  if (hosts.list().length >= hostsMax) {
    throw problem(403, 'too-many-hosts', `there are ${hostsMax} hosts already`, 'Use another server for the others.');
  }
}
