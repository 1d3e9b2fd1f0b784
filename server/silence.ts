// Tells when a host went silent, and when it came back, as stored events: so the server's clock enters the fold only as documents,
// and a backtest sees the same (docs/decisions). Once per silence, also over restarts; a server that was down itself, or stood
// still, blames no host. Only hosts that send progress are watched: they speak every few seconds, whatever happens on them.
import { type EventDocument, isPlainObject, type NewEvent } from '../event/document.ts';
import { ownEventId } from '../event/id.ts';
import type { HostRecord } from '../store/state/state-port.ts';
import { SERVER_BOOT_ID } from './admission.ts';

/** The version of the Elastic Common Schema that these documents follow. */
const ECS_VERSION = '8.17.0';
/** How often silence is looked for: at most this, and eight times within the time that makes a host silent. */
const CHECK_MS_MAX = 5_000;

export function checkIntervalMs(silenceAfterMs: number): number {
  return Math.max(20, Math.min(CHECK_MS_MAX, Math.floor(silenceAfterMs / 8)));
}

/**
 * The hosts that are silent at `nowMs` and not known to be.
 * @param graceMs since when the server itself has been listening without a break: nobody is blamed for the time before.
 */
export function newlySilent(
  hosts: readonly HostRecord[],
  options: { readonly nowMs: number; readonly graceMs: number; readonly silenceAfterMs: number },
): readonly HostRecord[] {
  const { nowMs, graceMs, silenceAfterMs } = options;
  return hosts.filter(
    (host) =>
      host.progress !== undefined &&
      host.silentSinceMs === undefined &&
      !host.isSignedOff &&
      nowMs - Math.max(host.lastSeenMs, graceMs) >= silenceAfterMs,
  );
}

/** The event that says so. The same silence gives the same id. */
export function silenceEvent(
  action: 'host-went-silent' | 'host-came-back',
  host: { readonly id: string; readonly name: string; readonly sinceMs: number },
  nowMs: number,
): NewEvent {
  const now = new Date(nowMs).toISOString();
  const since = new Date(host.sinceMs).toISOString();
  const isSilent = action === 'host-went-silent';
  const document = {
    '@timestamp': now,
    ecs: { version: ECS_VERSION },
    message: isSilent
      ? `${host.name} has said nothing since ${since}`
      : `${host.name} speaks again; silent since ${since}`,
    event: {
      kind: 'event',
      category: ['host'],
      type: ['info'],
      module: 'vedette',
      dataset: 'vedette.silence',
      action,
      created: now,
      ingested: now,
    },
    host: { id: host.id, name: host.name, boot: { id: SERVER_BOOT_ID } },
    vedette: { silence: { since } },
  };
  return { id: ownEventId(host.id, SERVER_BOOT_ID, isSilent ? 'silence' : 'back', host.sinceMs), document };
}

/** True of an event that an importer wrote: it meets no live rule unless asked. */
export function isImported(document: EventDocument): boolean {
  const vedette = document['vedette'];
  return isPlainObject(vedette) && vedette['imported'] === true;
}
