// Hosts: how they get in, who they are, and how they are shut out.
import type { AccountPort, Quota } from '../store/state/state-port.ts';
import type { EnrollResponse, HostsResponse } from './api.ts';
import { problem } from './api-error.ts';
import type { DeliveryFence } from './delivery-fence.ts';
import { addHost, type EnrollmentContext, enroll, hostIdOf } from './enrollment.ts';
import type { HostBook } from './host-book.ts';
import { API_PREFIX, type Http } from './http.ts';
import { type Fields, fieldsOf, optionalTextIn, optionalWholeIn, textIn } from './request-shape.ts';

/** Whoever knocks may send so much before anything is known of them. */
export const ENROLL_BODY_BYTES_MAX: number = 8 * 1024;

export function hostRoutes(
  { app, needs, accountIfAny }: Http,
  context: {
    readonly enrollment: EnrollmentContext;
    readonly accounts: AccountPort;
    readonly hosts: HostBook;
    readonly fence: DeliveryFence;
    readonly now: () => number;
  },
): void {
  const { enrollment, accounts, hosts, fence, now } = context;

  app.post(
    `${API_PREFIX}/enroll`,
    { bodyLimit: ENROLL_BODY_BYTES_MAX },
    async (request, reply): Promise<EnrollResponse> => {
      const body = fieldsOf(request.body);
      const host = fieldsOf(body['host']);
      reply.code(201);
      return enroll(enrollment, {
        secret: textIn(body, 'enrollment_secret', 256),
        hostId: textIn(host, 'id', 256),
        hostName: textIn(host, 'name', 1_024),
        token: optionalTextIn(body, 'token', 256),
        account: accountIfAny(request),
        sender: request.ip,
        nowMs: now(),
      });
    },
  );

  app.get(`${API_PREFIX}/hosts`, needs('read'), async (): Promise<HostsResponse> => {
    const revoked = new Set(accounts.list().flatMap((account) => (account.isRevoked ? [account.id] : [])));
    return {
      hosts: hosts.list().map((host) => ({
        ...host,
        isRevoked: revoked.has(host.id),
        state: host.isSignedOff ? 'signed-off' : host.silentSinceMs === undefined ? 'live' : 'silent',
      })),
    };
  });

  app.post(`${API_PREFIX}/hosts`, needs('administer'), async (request, reply): Promise<EnrollResponse> => {
    const body = fieldsOf(request.body);
    const name = textIn(body, 'name', 1_024);
    reply.code(201);
    return addHost(enrollment, {
      hostId: optionalTextIn(body, 'id', 256) ?? hostIdOf(name),
      hostName: name,
      replacesToken: body['replace_token'] === true,
      nowMs: now(),
    });
  });

  app.post(`${API_PREFIX}/hosts/:id/quota`, needs('administer'), async (request) => {
    const { id } = request.params as { readonly id: string };
    if (hosts.get(id) === undefined) throw problem(404, 'no-host', 'there is no such host', 'See `vedette hosts`.');
    const quota = quotaIn(fieldsOf(request.body));
    hosts.setQuota(id, quota);
    return { host_id: id, quota: quota ?? null };
  });

  app.post(`${API_PREFIX}/hosts/:id/revoke`, needs('administer'), async (request) => {
    const { id } = request.params as { readonly id: string };
    if (accounts.byId(id)?.role !== 'host')
      throw problem(404, 'no-host', 'there is no such host', 'See `vedette hosts`.');
    accounts.revoke(id);
    fence.dismiss(id);
    return { host_id: id, isRevoked: true };
  });
}

/** The quota of a body; undefined where it limits nothing. */
function quotaIn(body: Fields): Quota | undefined {
  const eventsPerSecond = optionalWholeIn(body, 'events_per_second', { min: 1, max: 1_000_000_000 });
  const bytesPerSecond = optionalWholeIn(body, 'bytes_per_second', { min: 1, max: 1_000_000_000_000 });
  const burstS = optionalWholeIn(body, 'burst_s', { min: 1, max: 86_400 });
  if (eventsPerSecond === undefined && bytesPerSecond === undefined) return undefined;
  return {
    ...(eventsPerSecond === undefined ? {} : { eventsPerSecond }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...(burstS === undefined ? {} : { burstS }),
  };
}
