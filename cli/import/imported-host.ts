// Which host imported lines belong to: the one that they name, else the one that the person names.
import { createHash } from 'node:crypto';
import type { HostIdentity } from '../../audit/event.ts';
import { HOST_ID_PATTERN } from '../../event/id.ts';

const NAME_LENGTH_MAX = 255;
const READABLE_LENGTH_MAX = 40;

/** The identity of a host that is known by name alone. The same name is the same host, in every import. */
export function importedHost(name: string): HostIdentity {
  return { id: hostIdOfName(name), name: name.slice(0, NAME_LENGTH_MAX), bootId: '' };
}

/** The name where it can be an id; else its readable part and a digest, so that two names never share an id. */
export function hostIdOfName(name: string): string {
  if (HOST_ID_PATTERN.test(name)) return name;
  const readable = name.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, READABLE_LENGTH_MAX);
  return `${readable}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
}
