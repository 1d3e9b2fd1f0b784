// Who may do what. A request shows a token, as `Bearer`, as `ApiKey` or as the password of `Basic` (what other shippers can
// send); it is looked up by its SHA-256. The server's own accounts have names that no host id can have.
import { Buffer } from 'node:buffer';
import type { Account, AccountPort, Role } from '../store/state/state-port.ts';
import type { SecretFiles } from './options.ts';
import { hashOf, secretInFile, TOKEN_LENGTH_MAX } from './secrets.ts';

/** The account of a role; `:` cannot stand in a host id. */
function systemAccountId(role: Exclude<Role, 'host'>): string {
  return `role:${role}`;
}

/** Makes the server's own accounts and their files where they are missing; answers the enrolment secret and what to warn of. */
export function ensureSystemAccounts(
  accounts: AccountPort,
  files: SecretFiles,
  nowMs: number,
): { readonly enrollmentSecret: string; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const read = (file: string, kind: Parameters<typeof secretInFile>[1]): string => {
    const { secret, wasReadableByOthers } = secretInFile(file, kind);
    if (wasReadableByOthers)
      warnings.push(`${file} was readable by others; its mode is 0600 now. Empty it to get a new one.`);
    return secret;
  };
  const roles = [
    ['admin', files.adminToken],
    ['reader', files.readerToken],
    ['importer', files.importerToken],
  ] as const;
  for (const [role, file] of roles) {
    const hash = hashOf(read(file, role));
    if (accounts.byTokenHash(hash)?.role === role) continue;
    accounts.put({ id: systemAccountId(role), role, isRevoked: false, createdMs: nowMs }, hash);
  }
  return { enrollmentSecret: read(files.enrollmentSecret, 'enrollment'), warnings };
}

/** The account that an `Authorization` header speaks for; undefined when there is none, or it is revoked. */
export function accountOf(accounts: AccountPort, authorization: string | undefined): Account | undefined {
  for (const token of tokensOf(authorization ?? '')) {
    const account = accounts.byTokenHash(hashOf(token));
    if (account !== undefined) return account.isRevoked ? undefined : account;
  }
  return undefined;
}

/** The tokens that a header may mean: Elasticsearch's API keys come as base64 of `id:key`, or as they are. */
function tokensOf(authorization: string): readonly string[] {
  const match = /^(Bearer|ApiKey|Basic) +([A-Za-z0-9+/=_-]{1,400})$/i.exec(authorization);
  if (match === null) return [];
  const scheme = (match[1] ?? '').toLowerCase();
  const given = match[2] ?? '';
  const candidates: string[] = scheme === 'basic' ? [] : [given];
  if (scheme !== 'bearer') {
    const decoded = Buffer.from(given, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon !== -1) candidates.push(decoded.slice(colon + 1));
  }
  return candidates.filter((token) => token.length > 0 && token.length <= TOKEN_LENGTH_MAX);
}

/** What a route asks for. An admin may do all that the others may, but write as a host. */
export type Permission = 'read' | 'administer' | 'write-events' | 'any';

export function mayDo(role: Role, permission: Permission): boolean {
  switch (permission) {
    case 'any':
      return true;
    case 'read':
      return role === 'reader' || role === 'admin';
    case 'administer':
      return role === 'admin';
    case 'write-events':
      return role === 'host' || role === 'importer' || role === 'admin';
  }
}
