// The client of a cluster, and what its failures mean in the port's words.
import { readFileSync } from 'node:fs';
import { Client, errors } from '@elastic/elasticsearch';
import { StoreUnavailable } from '../port.ts';

export interface ElasticsearchConnection {
  /** URL of a node, or of several. */
  readonly node: string | readonly string[];
  readonly auth?: { readonly apiKey: string } | { readonly username: string; readonly password: string };
  /** PEM file of the authority that signed the nodes' certificates. */
  readonly caFile?: string;
}

const REQUEST_TIMEOUT_MS = 30_000;
const REASON_CHARS_MAX = 200;

export function connect({ node, auth, caFile }: ElasticsearchConnection): Client {
  return new Client({
    nodes: typeof node === 'string' ? [node] : [...node],
    ...(auth === undefined ? {} : { auth }),
    ...(caFile === undefined ? {} : { tls: { ca: readFileSync(caFile) } }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    maxRetries: 2,
    // A field may be called __proto__; JSON.parse makes it an own property, which is all that we ever read.
    disablePrototypePoisoningProtection: true,
  });
}

/** The port's words for what goes wrong on the way. Answers to bad requests are bugs and stay what they are. */
export function asUnavailable(error: unknown): unknown {
  if (error instanceof errors.RequestAbortedError) return error;
  if (error instanceof errors.ResponseError) {
    const status = error.statusCode ?? 0;
    if (isDiskFull(error.message)) return diskFull();
    if (status === 429) return new StoreUnavailable('overloaded', 'Elasticsearch takes no more at the moment (429)');
    if (status === 401 || status === 403) {
      return new StoreUnavailable(
        'unreachable',
        `Elasticsearch refuses this to the configured credentials (${status})${missingPrivilege(error.message)}`,
      );
    }
    return status >= 500 ? new StoreUnavailable('unreachable', `Elasticsearch answered ${status}`) : error;
  }
  if (error instanceof errors.ElasticsearchClientError) {
    return new StoreUnavailable('unreachable', `Elasticsearch did not answer: ${reasonIn(error)}`);
  }
  return error;
}

/** `connect ECONNREFUSED 127.0.0.1:9200`, `TLS: self-signed certificate`: what somebody has to mend. */
function reasonIn({ name, message }: Error): string {
  const [line = ''] = message.split('\n', 1);
  const ofTls = /SSL routines:[^:]*:([^:]+)/.exec(line)?.[1] ?? /.*\bcertificate\b.*/.exec(line)?.[0];
  if (ofTls !== undefined) return `TLS: ${ofTls.slice(0, REASON_CHARS_MAX)}`;
  return line === '' ? name : line.slice(0, REASON_CHARS_MAX);
}

export function diskFull(): StoreUnavailable {
  return new StoreUnavailable('disk-full', 'Elasticsearch’s disks are full (flood-stage watermark)');
}

/** True of the block that Elasticsearch lays on indices whose nodes have no room. */
export function isDiskFull(text: string): boolean {
  return text.includes('flood-stage watermark') || text.includes('read-only-allow-delete');
}

/** The action and what would allow it, as the cluster's own message has them; nothing else of the message, which names the key. */
function missingPrivilege(message: string): string {
  const action = /action \[([a-z0-9:/_*[\]]{1,100})\] is unauthorized/.exec(message)?.[1];
  return action === undefined ? '' : `: ${action}`;
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof errors.ResponseError ? error.statusCode : undefined;
}
