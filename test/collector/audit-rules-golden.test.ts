// Other people's rule files with the bytes that a kernel listed for them, as go-libaudit recorded them. Not ours to ship: without them
// the tests are skipped. The recorded files stood under a folder of their own, which the golden's flags name.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { machineArchitectures } from '../../collector/audit-rules/machine.ts';
import { ruleInWords } from '../../collector/audit-rules/rule-print.ts';
import { readRuleSet } from '../../collector/audit-rules/rule-set.ts';
import { decodeRule, encodeRule, ruleIdentity } from '../../collector/netlink/rule-data.ts';

const GOLDENS = join(
  process.env['VEDETTE_AUDIT_GOLDEN'] ?? new URL('../../../shared/data/audit-golden', import.meta.url).pathname,
  'audit-rules',
);
const isPresent = existsSync(GOLDENS);
const reason = isPresent ? '' : ' (skipped: no goldens; VEDETTE_AUDIT_GOLDEN names their folder)';
const FILES = isPresent ? readdirSync(GOLDENS).filter((name) => name.endsWith('.golden.yml')) : ['none'];
const ROOT = '/tmp/audit-test';

interface Golden {
  readonly rules: readonly { readonly flags: string; readonly bytes: Uint8Array }[];
}

/** Folders of the recording, by the rules' own words: `dir=` says it, and a watch that the kernel listed as one. */
const reading = (rules: Golden['rules']) => {
  const folders = rules
    .map(({ bytes }) => decodeRule(Buffer.from(bytes)))
    .flatMap((rule) => rule?.fields.filter(({ name }) => name === 'dir').map(({ value }) => String(value)) ?? []);
  return {
    machine: {
      architectures: machineArchitectures('x64'),
      userId: (name: string) => (name === 'root' ? 0 : undefined),
      groupId: () => undefined,
    },
    isFolder: (path: string) => folders.includes(path),
    exists: () => true,
  };
};

describe.skipIf(!isPresent)(`audit rules as a kernel listed them${reason}`, () => {
  it.each(FILES)('%s, each rule byte for byte', (name) => {
    const golden = parseDocument(readFileSync(join(GOLDENS, name), 'utf8')).toJS() as Golden;
    expect(golden.rules.length).toBeGreaterThan(0);
    for (const { flags, bytes } of golden.rules) {
      const set = readRuleSet([{ file: name, lines: [flags] }], reading(golden.rules));
      expect(set.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
      const [made] = set.rules;
      const listed = Buffer.from(bytes);
      expect(made && ruleIdentity(encodeRule(made.rule)), flags).toBe(ruleIdentity(listed));
      const decoded = decodeRule(listed);
      const words = decoded === undefined ? '' : ruleInWords(decoded);
      const [again] = readRuleSet([{ file: name, lines: [words] }], reading(golden.rules)).rules;
      expect(again && ruleIdentity(encodeRule(again.rule)), words).toBe(ruleIdentity(listed));
    }
  });

  it.each(FILES)('%s, from the file itself', (name) => {
    const golden = parseDocument(readFileSync(join(GOLDENS, name), 'utf8')).toJS() as Golden;
    const text = readFileSync(join(GOLDENS, name.replace('.golden.yml', '')), 'latin1');
    const moved = text.replace(/(-w\s+["']?|-F (?:path|dir)=)\//g, `$1${ROOT}/`);
    const { rules } = readRuleSet([{ file: name, lines: moved.split('\n') }], reading(golden.rules));
    const listed = golden.rules.map(({ bytes }) => ruleIdentity(Buffer.from(bytes)));
    for (const { rule, line } of rules) expect(listed, line.text).toContain(ruleIdentity(encodeRule(rule)));
    expect(rules.length).toBe(new Set(listed).size);
  });
});
