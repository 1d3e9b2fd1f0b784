// Legal holds: ranges that retention may not touch. Who, when and why is kept here for good and told as stored events too.
import type { HoldPort, HoldRecord } from '../store/state/state-port.ts';
import type { HoldApiRecord, HoldsResponse } from './api.ts';
import { problem } from './api-error.ts';
import type { HostBook } from './host-book.ts';
import { API_PREFIX, accountIn, type Http } from './http.ts';
import type { OwnEvents } from './own-events.ts';
import { fieldsOf, optionalTextIn, textIn, timeIn } from './request-shape.ts';

const REASON_LENGTH_MAX = 1_000;
const NAME_LENGTH_MAX = 200;
/** In force at once; each is looked at for each partition. */
const HOLDS_MAX = 200;

export function holdRoutes(
  { app, needs }: Http,
  context: {
    readonly holds: HoldPort;
    readonly hosts: HostBook;
    readonly events: OwnEvents;
    readonly now: () => number;
  },
): void {
  const { holds, hosts, events, now } = context;

  const hostIdOf = (named: string | undefined): string | undefined => {
    if (named === undefined) return undefined;
    if (hosts.get(named) !== undefined) return named;
    const matching = hosts.list().filter(({ name }) => name === named);
    if (matching.length > 1)
      throw problem(
        409,
        'ambiguous-host',
        `${matching.length} hosts have this name`,
        'Give the id that `vedette hosts` shows.',
      );
    // A host that never spoke to this server may have events here all the same: imports.
    return matching[0]?.id ?? named;
  };

  app.get(`${API_PREFIX}/holds`, needs('read'), async (): Promise<HoldsResponse> => {
    return { holds: holds.list().map(shown) };
  });

  app.post(`${API_PREFIX}/holds`, needs('administer'), async (request, reply): Promise<HoldApiRecord> => {
    const body = fieldsOf(request.body);
    const [fromMs, untilMs] = [timeIn(body, 'fromMs'), timeIn(body, 'untilMs')];
    if (untilMs <= fromMs) throw problem(400, 'bad-request', 'untilMs is not after fromMs', 'Swap them.');
    const reason = textIn(body, 'reason', REASON_LENGTH_MAX).trim();
    if (reason === '') throw problem(400, 'bad-request', 'a hold needs a reason', 'Say why it is there.');
    if (holds.list().filter(({ released }) => released === undefined).length >= HOLDS_MAX)
      throw problem(409, 'too-many-holds', `${HOLDS_MAX} holds are in force`, 'Release those that are over.');
    const hostId = hostIdOf(optionalTextIn(body, 'host', NAME_LENGTH_MAX));
    const addedBy = whoOf(accountIn(request).id, optionalTextIn(body, 'by', NAME_LENGTH_MAX));
    const hold = holds.add({ fromMs, untilMs, hostId, reason, addedBy, addedMs: now() });
    await tell(hold, 'hold-added', `${addedBy} holds ${rangeOf(hold)}: ${reason}`);
    reply.code(201);
    return shown(hold);
  });

  app.post(`${API_PREFIX}/holds/:id/release`, needs('administer'), async (request): Promise<HoldApiRecord> => {
    const { id } = request.params as { readonly id: string };
    const body = fieldsOf(request.body);
    const why = (optionalTextIn(body, 'reason', REASON_LENGTH_MAX) ?? '').trim();
    const by = whoOf(accountIn(request).id, optionalTextIn(body, 'by', NAME_LENGTH_MAX));
    const hold = holds.release(id, { by, atMs: now(), why });
    if (hold === undefined) throw problem(404, 'no-hold', 'no hold of this id is in force', 'See `vedette hold list`.');
    await tell(hold, 'hold-released', `${by} releases ${rangeOf(hold)}${why === '' ? '' : `: ${why}`}`);
    return shown(hold);
  });

  /** The hold stands whether or not the store can take the word of it now: that it was made is in the state. */
  const tell = (hold: HoldRecord, action: 'hold-added' | 'hold-released', message: string): Promise<void> =>
    events
      .tell({
        dataset: 'vedette.hold',
        action,
        message,
        key: `${action}-${hold.id}`,
        counter: hold.released?.atMs ?? hold.addedMs,
        fields: {
          hold: {
            id: hold.id,
            from: new Date(hold.fromMs).toISOString(),
            until: new Date(hold.untilMs).toISOString(),
            ...(hold.hostId === undefined ? {} : { host: hold.hostId }),
            reason: hold.released?.why ?? hold.reason,
            by: hold.released?.by ?? hold.addedBy,
          },
        },
      })
      .catch(() => undefined);
}

/** The token's account, and the name that its holder gave: the first is proven, the second is said. */
function whoOf(account: string, said: string | undefined): string {
  return said === undefined || said.trim() === '' ? account : `${said.trim()} (${account})`;
}

function rangeOf({ fromMs, untilMs, hostId }: HoldRecord): string {
  const range = `${new Date(fromMs).toISOString()} to ${new Date(untilMs).toISOString()}`;
  return hostId === undefined ? range : `${range} of host ${hostId}`;
}

function shown({ hostId, released, ...hold }: HoldRecord): HoldApiRecord {
  return { ...hold, ...(hostId === undefined ? {} : { hostId }), ...(released === undefined ? {} : { released }) };
}
