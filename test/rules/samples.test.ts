// The shipped rules on captures of a real kernel, through the real decoding: which captures alert, and on what. What is not in
// the table is silent; so the names of fields and actions in the rules are those that the decoder writes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createImporter } from '../../audit/import.ts';
import { partsOf } from '../../engine/kinds/fold-of.ts';
import type { EventDocument } from '../../event/document.ts';
import { readRuleFolders, SHIPPED_RULES } from '../../rules/rule-folders.ts';

const FOLDER = join(import.meta.dirname, '../data/audit-samples');
const all = readRuleFolders([SHIPPED_RULES]).rules;
const rules = all.filter(({ kind }) => kind.kind === 'single');

const EXPECTED: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'auditd_raw.log': { 'audit-configuration-changed': 4 },
  'config_change.log': { 'audit-configuration-changed': 11 },
  'daemon_takeover.log': { 'audit-configuration-changed': 2 },
  'user_mgmt.log': { 'user-account-added': 2 },
  'user_sshd.log': { 'user-account-added': 1 },
};

describe('the shipped rules on captures of a real kernel', () => {
  it.each(readdirSync(FOLDER).filter((name) => name.endsWith('.log')))('%s', (name) => {
    const found: Record<string, number> = {};
    for (const document of documentsOf(name)) {
      for (const rule of rules) if (rule.match(document, 0)) found[rule.id] = (found[rule.id] ?? 0) + 1;
    }
    expect(found).toEqual(EXPECTED[name] ?? {});
  });

  it('rules on many events meet events of theirs there: by role, how many captures have one', () => {
    const met: Record<string, Record<number, number>> = {};
    for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.log'))) {
      const seen = new Set<string>();
      for (const document of documentsOf(name)) {
        for (const rule of all) {
          if (rule.kind.kind === 'single' || !rule.match(document, 0)) continue;
          for (const { role } of partsOf(rule)(document, (predicate) => predicate(document, 0))) {
            if (seen.has(`${rule.id} ${role}`)) continue;
            seen.add(`${rule.id} ${role}`);
            met[rule.id] = { ...met[rule.id], [role]: (met[rule.id]?.[role] ?? 0) + 1 };
          }
        }
      }
    }
    expect(met).toEqual({
      'downloaded-program-run': { 1: 2, 2: 2 },
      'downloaded-script-run': { 1: 1 },
      'port-scan-from-host': { 0: 2 },
      'ssh-guessed-password': { 0: 1, 1: 1, 2: 1, 3: 1, 4: 1 },
      'ssh-many-accounts-tried': { 0: 1 },
      'ssh-password-guessing': { 0: 1 },
      'sudo-password-guessing': { 0: 1 },
    });
  });

  it('the recorded host of --demo: also where an overlay file system hides a path among its own', () => {
    const found = new Set<string>();
    for (const document of documentsOf('../../../collector/demo/recorded-host.log')) {
      for (const rule of rules) if (rule.match(document, 0)) found.add(rule.id);
    }
    expect([...found].toSorted()).toEqual([
      // web-server-spawned-shell needs the parents' names, which a collector adds.
      'download-piped-to-shell',
      'reverse-shell',
      'scheduled-job-written-by-shell',
      'suid-file-made',
    ]);
  });

  it('no rule reads a field that only its own tests have', () => {
    const written = new Set<string>();
    for (const name of readdirSync(FOLDER).filter((entry) => entry.endsWith('.log'))) {
      for (const document of documentsOf(name)) collectData(document, written);
    }
    for (const field of ['op', 'key', 'opid', 'ouid', 'ocomm', 'open_flags', 'mode']) expect(written).toContain(field);
  });
});

function documentsOf(name: string): readonly EventDocument[] {
  const importer = createImporter({ hostOf: () => ({ id: 'h1', name: 'h1', bootId: '' }) });
  const lines = readFileSync(join(FOLDER, name), 'latin1').split('\n');
  const imported = [...lines.filter((line) => line !== '').flatMap((line) => importer.push(line)), ...importer.end()];
  return imported.flatMap((entry) => (entry.kind === 'document' ? [entry.document] : []));
}

function collectData(document: EventDocument, into: Set<string>): void {
  const auditd = (document['auditd'] ?? {}) as { readonly data?: Readonly<Record<string, unknown>> };
  for (const name of Object.keys(auditd.data ?? {})) into.add(name);
}
