// A rule that breaks stays in force as it was, told on the status and in the log; one that is taken away is gone. Over restarts, too.
import { mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ServerNotice } from '../../server/options.ts';
import { createRuleBook, type RuleBook } from '../../server/rule-book.ts';
import { openSqliteState, type SqliteState } from '../../store/state/sqlite-state.ts';
import { startTestServer } from './server-under-test.ts';

const rule = (id: string, name = 'nc'): string =>
  `id: ${id}\nname: ${id}\nseverity: low\nmatch: process.name = "${name}"\n`;
const BROKEN = 'id: a\nname: a\nseverity: lwo\nmatch: process.name = "nc"\n';

let folder = '';
let state: SqliteState;
let notices: ServerNotice[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-kept-'));
  mkdirSync(join(folder, 'own'));
  state = openSqliteState(join(folder, 'state.sqlite'));
  notices = [];
  write('a', rule('a'));
  write('b', rule('b'));
});
afterEach(() => {
  state.close();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): void {
  writeFileSync(join(folder, 'own', `${name}.yaml`), text);
}

function book(): RuleBook {
  let nowMs = 1_000_000;
  return createRuleBook({
    folders: [{ path: join(folder, 'own'), kind: 'own' }],
    log: state.controlLog,
    horizonMs: 1_000,
    now: () => (nowMs += 1_000),
    onNotice: (notice) => notices.push(notice),
  });
}

function loaded(rules: RuleBook): readonly string[] {
  rules.load(0);
  return rules
    .rules()
    .map(({ id }) => id)
    .toSorted();
}

describe('a rule whose file breaks', () => {
  it('stays in force as it was, and that is told', () => {
    const rules = book();
    expect(loaded(rules)).toEqual(['a', 'b']);
    const before = rules.rules().find(({ id }) => id === 'a')?.version;
    write('a', BROKEN);
    expect(loaded(rules)).toEqual(['a', 'b']);
    expect(rules.rules().find(({ id }) => id === 'a')?.version).toBe(before);
    expect(rules.summary().diagnostics.map(({ code }) => code)).toContain('rule/kept');
    expect(notices.filter(({ kind }) => kind === 'warning').map(({ message }) => message)).toEqual([
      `\`a\` is broken; the version before (${before}) stays in force`,
    ]);
    write('a', rule('a', 'ncat'));
    expect(loaded(rules)).toEqual(['a', 'b']);
    expect(rules.rules().find(({ id }) => id === 'a')?.version).not.toBe(before);
    expect(rules.summary().diagnostics.map(({ code }) => code)).not.toContain('rule/kept');
  });

  it('stays so over a restart', () => {
    loaded(book());
    write('a', BROKEN);
    expect(loaded(book())).toEqual(['a', 'b']);
  });

  it('stays while its YAML is no YAML, or its text is no text', () => {
    const rules = book();
    loaded(rules);
    write('a', 'id: a\n  name: [');
    expect(loaded(rules)).toEqual(['a', 'b']);
    writeFileSync(join(folder, 'own', 'a.yaml'), Buffer.from([0xff, 0xfe, 0]));
    expect(loaded(rules)).toEqual(['a', 'b']);
  });

  it('stays while a list that it names is broken', () => {
    mkdirSync(join(folder, 'own', 'lists'));
    const list = 'name: nets\nowner: us\nreason: test\nvalues: [nc]\n';
    writeFileSync(join(folder, 'own', 'lists', 'nets.yaml'), list);
    write('a', rule('a').replace('= "nc"', 'in $nets'));
    const rules = book();
    expect(loaded(rules)).toEqual(['a', 'b']);
    writeFileSync(join(folder, 'own', 'lists', 'nets.yaml'), list.replace('owner: us', 'ownr: us'));
    expect(loaded(rules)).toEqual(['a', 'b']);
  });

  it('stays while its folder cannot be read, beside others that can', () => {
    const rules = createRuleBook({
      folders: [
        { path: join(folder, 'own'), kind: 'own' },
        { path: join(folder, 'other'), kind: 'own' },
      ],
      log: state.controlLog,
      horizonMs: 1_000,
      now: () => 1_000_000,
      onNotice: (notice) => notices.push(notice),
    });
    mkdirSync(join(folder, 'other'));
    writeFileSync(join(folder, 'other', 'c.yaml'), rule('c'));
    expect(loaded(rules)).toEqual(['a', 'b', 'c']);
    renameSync(join(folder, 'other'), join(folder, 'gone'));
    expect(loaded(rules)).toEqual(['a', 'b', 'c']);
  });
});

describe('a rule that is taken away', () => {
  it('is gone, broken neighbours or not', () => {
    const rules = book();
    write('two', `${rule('one')}---\n${rule('two')}`);
    expect(loaded(rules)).toEqual(['a', 'b', 'one', 'two']);
    write('two', `${rule('one')}---\nnothing: here\n`);
    expect(loaded(rules)).toEqual(['a', 'b', 'one']);
    unlinkSync(join(folder, 'own', 'b.yaml'));
    write('a', BROKEN);
    expect(loaded(rules)).toEqual(['a', 'one']);
  });
});

describe('a server that watches its rules', () => {
  it('takes a change without being asked, keeps what breaks, and says so on its status', async () => {
    let told: (message: string) => void = () => undefined;
    const server = await startTestServer({
      watchesRules: true,
      onNotice: ({ kind, message }) => {
        if (kind === 'rules') told(message);
      },
    });
    const next = (text: string): Promise<string> =>
      new Promise((resolve) => {
        told = resolve;
        writeFileSync(join(server.rulesFolder, 'second.yaml'), text);
      });
    try {
      expect(await next(rule('second'))).toBe('2 rules in force');
      expect(await next('id: second\nname: [')).toMatch(/^2 rules in force, unchanged; \d+ errors? in rule files$/);
      const { body } = await server.call('GET', '/api/v1/status', { token: server.tokens.reader });
      expect(body.engine.rules).toBe(2);
      expect(body.diagnostics.map(({ code }: { code: string }) => code)).toContain('rule/kept');
    } finally {
      await server.end();
    }
  });
});
