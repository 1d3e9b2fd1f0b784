// What other shippers write, in a shape that is admitted: their ids under the host's, and whatever stands where ECS wants something
// else kept beside, under `vedette.unmapped`, so that no document is refused for its form alone. Pure.
import { createHash } from 'node:crypto';
import { isPlainObject } from '../event/document.ts';
import { EVENT_ID_BYTES_MAX } from '../event/id.ts';
import { isTime } from './admission.ts';
import type { BulkDocument } from './bulk-reader.ts';

/** Of an id as Vedette makes it: another host's stays one, and is refused. */
const OUR_FORM = /^[A-Za-z0-9_-]{1,64}\.(?:[0-9a-f]{1,8}|d|x|server)\../;
const OBJECTS = ['host', 'event', 'vedette'] as const;

/** True of a document that its sender gave no id of this host: what a collector sends is never one. */
export function isForeign({ id }: BulkDocument, hostId: string): boolean {
  return id === undefined || !id.startsWith(`${hostId}.`);
}

/** The document in a shape that can be admitted. It is consumed: it may be changed and given back. */
export function shaped(item: BulkDocument, hostId: string): BulkDocument {
  const { id, document } = item;
  const unmapped: [string, unknown][] = [];
  const setAside = (name: string, value: unknown): void => {
    unmapped.push([name, value]);
    delete document[name];
  };
  for (const name of OBJECTS) {
    const value = Object.hasOwn(document, name) ? document[name] : undefined;
    if (value === undefined || value === null || isPlainObject(value)) continue;
    setAside(name, value);
    // Syslog's word for it; ECS has it one level down.
    if (name === 'host' && typeof value === 'string' && document['host.name'] === undefined) {
      document['host'] = { name: value };
      unmapped.pop();
    }
  }
  const host = document['host'];
  if (isPlainObject(host) && host['id'] !== undefined && host['id'] !== null && typeof host['id'] !== 'string') {
    const { id: hostIdGiven, ...rest } = host;
    document['host'] = rest;
    unmapped.push(['host.id', hostIdGiven]);
  }
  const event = document['event'];
  if (
    isPlainObject(event) &&
    event['created'] !== undefined &&
    event['created'] !== null &&
    !isTime(event['created'])
  ) {
    const { created, ...rest } = event;
    document['event'] = rest;
    unmapped.push(['event.created', created]);
  }
  for (const name of ['event.created', '@timestamp']) {
    const value = Object.hasOwn(document, name) ? document[name] : undefined;
    if (value !== undefined && value !== null && !isTime(value)) setAside(name, value);
  }
  if (typeof document['host.id'] === 'number') setAside('host.id', document['host.id']);
  if (unmapped.length > 0) {
    const vedette = isPlainObject(document['vedette']) ? document['vedette'] : {};
    document['vedette'] = {
      ...vedette,
      unmapped: Object.fromEntries(unmapped.map(([name, value]) => [plain(name), value])),
    };
  }
  const { kind, action, index, source } = item;
  return {
    kind,
    action,
    index,
    source,
    document,
    id: id === undefined || OUR_FORM.test(id) ? id : idUnder(hostId, id),
  };
}

/** `@timestamp` as one name, without the dots that would make levels of it. */
function plain(name: string): string {
  return name.replaceAll('.', '_');
}

/** A sender's own id, where no other host's can meet it. */
function idUnder(hostId: string, id: string): string {
  const own = `${hostId}.x.${id}`;
  if (Buffer.byteLength(own) <= EVENT_ID_BYTES_MAX) return own;
  return `${hostId}.x.${createHash('sha256').update(id).digest('base64url')}`;
}
