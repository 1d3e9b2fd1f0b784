// Tokens and the files that hold the server's own. A token is 32 random bytes; the database keeps its SHA-256 only. The files are
// made at the first start, 0600 in a folder 0700, and read again at each start: who empties one gets a new token.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** The prefix tells people (and secret scanners) what they are looking at. */
const TOKEN_PREFIXES = {
  host: 'vdt_h_',
  importer: 'vdt_i_',
  reader: 'vdt_r_',
  admin: 'vdt_a_',
  enrollment: 'vdt_e_',
} as const;
export type SecretKind = keyof typeof TOKEN_PREFIXES;

const SECRET_BYTES = 32;
/** The longest text that is looked at as a token. */
export const TOKEN_LENGTH_MAX = 128;

export function newSecret(kind: SecretKind): string {
  return TOKEN_PREFIXES[kind] + randomBytes(SECRET_BYTES).toString('base64url');
}

/** True of what `newSecret('host')` makes. */
export function isHostToken(text: string): boolean {
  return /^vdt_h_[A-Za-z0-9_-]{43}$/.test(text);
}

/** SHA-256, hex. The secret is random, so it needs neither salt nor a slow hash. */
export function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Compares in a time that tells nothing about where they differ. */
export function isSameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/** The secret of a file; a new one, written to it, where there is none. */
export function secretInFile(
  file: string,
  kind: SecretKind,
): { readonly secret: string; readonly wasReadableByOthers: boolean } {
  const present = readSecret(file);
  if (present !== undefined) {
    const wasReadableByOthers = (statSync(file).mode & 0o077) !== 0;
    if (wasReadableByOthers) chmodSync(file, 0o600);
    return { secret: present, wasReadableByOthers };
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const secret = newSecret(kind);
  const temporary = `${file}.${process.pid}.tmp`;
  const descriptor = openSync(temporary, 'w', 0o600);
  try {
    writeSync(descriptor, `${secret}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  return { secret, wasReadableByOthers: false };
}

function readSecret(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return /^[A-Za-z0-9_-]{20,128}$/.test(text) ? text : undefined;
}
