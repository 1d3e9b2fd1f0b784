// How a host gets its token: once, by the enrolment secret, POST /api/v1/enroll. The token is kept in the collector's folder,
// readable by its owner only. The collector chooses it and keeps it first (`token.try`), so that asking again after a lost answer, or
// a kill in between, gets the same one. A token that is refused later is told, not replaced: replacing a known host needs an admin.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeFile, replaceFile } from './durable-file.ts';
import { parseObject, reasonOf } from './ship/bulk-answer.ts';
import type { HttpClient } from './ship/http-client.ts';

const TOKEN_BYTES_MAX = 4096;
const ANSWER_TIMEOUT_MS = 10_000;

export interface EnrolOptions {
  readonly tokenFile: string | undefined;
  readonly enrollmentSecretFile: string | undefined;
  readonly enrollmentSecret: string | undefined;
}

/** `wait`: the server or the secret is not there yet. `refused`: asking again will not help by itself. */
export type Enrolment =
  /** `notKept`: why the disk did not take it; it is to be kept later, for a known host gets no second one. */
  | { readonly kind: 'token'; readonly token: string; readonly notKept?: string }
  | { readonly kind: 'wait' | 'refused'; readonly reason: string };

/** The host's token: from the file, from the folder, or by enrolling now. */
export async function obtainToken(
  folder: string,
  host: { readonly id: string; readonly name: string },
  options: EnrolOptions & { readonly client: HttpClient },
): Promise<Enrolment> {
  if (options.tokenFile !== undefined) {
    const token = readSecret(options.tokenFile);
    return token === undefined
      ? { kind: 'wait', reason: 'the token file is not there, or empty' }
      : { kind: 'token', token };
  }
  const kept = readSecret(join(folder, 'token'));
  if (kept !== undefined) return { kind: 'token', token: kept };
  const secret =
    options.enrollmentSecret ??
    (options.enrollmentSecretFile === undefined ? undefined : readSecret(options.enrollmentSecretFile));
  if (secret === undefined) return { kind: 'wait', reason: 'there is neither a token nor an enrolment secret' };
  return enrol(folder, host, { client: options.client, secret });
}

async function enrol(
  folder: string,
  host: { readonly id: string; readonly name: string },
  options: { readonly client: HttpClient; readonly secret: string },
): Promise<Enrolment> {
  const file = join(folder, 'token.try');
  const chosen = readSecret(file) ?? `vdt_h_${randomBytes(32).toString('base64url')}`;
  const problem = keepToken(file, chosen);
  if (problem !== undefined) return { kind: 'wait', reason: `a token could not be kept (${problem})` };
  const answer = await options.client.post({
    path: '/api/v1/enroll',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(
      JSON.stringify({ enrollment_secret: options.secret, host: { id: host.id, name: host.name }, token: chosen }),
    ),
    timeoutMs: ANSWER_TIMEOUT_MS,
  });
  if (answer.kind === 'unreachable') return { kind: 'wait', reason: `the server is not reachable (${answer.reason})` };
  const body = parseObject(answer.body);
  const token = body?.['token'];
  if (answer.status >= 200 && answer.status < 300 && typeof token === 'string' && isToken(token)) {
    const notKept = keepToken(join(folder, 'token'), token);
    if (notKept === undefined) removeFile(file);
    return { kind: 'token', token, ...(notKept === undefined ? {} : { notKept }) };
  }
  const reason = `the server refused the enrolment (${answer.status}: ${reasonOf(body?.['error'])})`;
  return { kind: answer.status === 429 || answer.status >= 500 ? 'wait' : 'refused', reason };
}

/** Undefined when it is in the file, also after a power loss; else the system's code. */
export function keepToken(path: string, token: string): string | undefined {
  try {
    replaceFile(path, `${token}\n`, true);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

/** A secret in a file: one line; undefined when there is none. */
export function readSecret(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8').trim();
    return isToken(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** What may stand in an Authorization header. */
function isToken(text: string): boolean {
  return text.length <= TOKEN_BYTES_MAX && /^[\x21-\x7e]+$/.test(text);
}
