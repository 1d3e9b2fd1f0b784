// Accounts and hosts in SQLite. Tokens come in as hashes and are never read back.
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { InTransaction } from './sqlite-state.ts';
import type { Account, AccountPort, HostBookPort, HostRecord, Role } from './state-port.ts';

type Row = Record<string, SQLOutputValue>;

export function accountPort(database: DatabaseSync): AccountPort {
  const columns = 'id, role, is_revoked, created_ms';
  const byHash = database.prepare(`SELECT ${columns} FROM accounts WHERE token_hash = ?`);
  const byId = database.prepare(`SELECT ${columns} FROM accounts WHERE id = ?`);
  const list = database.prepare(`SELECT ${columns} FROM accounts ORDER BY id`);
  const write = database.prepare(`INSERT INTO accounts VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET role = excluded.role, token_hash = excluded.token_hash, is_revoked = excluded.is_revoked,
      created_ms = excluded.created_ms`);
  const revoke = database.prepare('UPDATE accounts SET is_revoked = 1 WHERE id = ?');
  return {
    byTokenHash: (hash) => toAccount(byHash.get(hash)),
    byId: (id) => toAccount(byId.get(id)),
    put: ({ id, role, isRevoked, createdMs }, tokenHash) => {
      write.run(id, role, tokenHash, isRevoked ? 1 : 0, createdMs);
    },
    revoke: (id) => revoke.run(id).changes === 1,
    list: () => list.all().flatMap((row) => toAccount(row) ?? []),
  };
}

function toAccount(row: Row | undefined): Account | undefined {
  if (row === undefined) return undefined;
  return {
    id: String(row['id']),
    role: String(row['role']) as Role,
    isRevoked: row['is_revoked'] === 1,
    createdMs: Number(row['created_ms']),
  };
}

export function hostBook(database: DatabaseSync, inTransaction: InTransaction): HostBookPort {
  const list = database.prepare('SELECT json FROM hosts ORDER BY id');
  const one = database.prepare('SELECT json FROM hosts WHERE id = ?');
  const write = database.prepare('INSERT INTO hosts VALUES (?, ?) ON CONFLICT DO UPDATE SET json = excluded.json');
  const toHost = (row: Row): HostRecord => {
    const host: HostRecord = JSON.parse(String(row['json']));
    return { ...host, progress: host.progress, silentSinceMs: host.silentSinceMs };
  };
  return {
    list: () => list.all().map(toHost),
    get(id) {
      const row = one.get(id);
      return row === undefined ? undefined : toHost(row);
    },
    put: (host) => {
      write.run(host.id, JSON.stringify(host));
    },
    putAll: (hosts) =>
      inTransaction(() => {
        for (const host of hosts) write.run(host.id, JSON.stringify(host));
      }),
  };
}
