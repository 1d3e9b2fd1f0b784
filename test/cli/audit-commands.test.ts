import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder, runHere, type TestFolder } from './terminal.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

const write = (name: string, text: string): void => {
  writeFileSync(join(folder.path, name), text);
  chmodSync(join(folder.path, name), 0o600);
};
const run = (...words: string[]) => runHere(words, { cwd: folder.path });

describe('audit check', () => {
  it('is content with sound rules: exit 0, and how many there are', async () => {
    write('a.rules', '-D\n-b 8192\n-w /etc/passwd -p wa -k identity\n');
    const said = await run('audit', 'check', 'a.rules');
    expect(said).toEqual({ code: 0, stdout: '', stderr: '1 audit rule: 0 errors, 0 warnings\n' });
  });

  it('shows place, line, caret, cause and remedy of an error, and exits 1', async () => {
    write('a.rules', '# mine\n-a always,exit -F arch=b64 -S opne -k x\n');
    const said = await run('audit', 'check', 'a.rules');
    expect(said.code).toBe(1);
    expect(said.stdout.replaceAll(folder.path, '')).toBe(
      '/a.rules:2:31: error: unknown call “opne” [audit/unknown-call]\n' +
        '  2 | -a always,exit -F arch=b64 -S opne -k x\n' +
        '    |                               ^\n' +
        '  Did you mean open? Check the spelling (`man syscalls`), or write its number (below 2016).\n\n',
    );
  });

  it('lets a warning pass, and not with --strict', async () => {
    write('a.rules', '-a always,exit -S all\n');
    expect((await run('audit', 'check', 'a.rules')).code).toBe(0);
    expect((await run('audit', 'check', 'a.rules', '--strict')).code).toBe(1);
  });

  it('merges a folder, and says all as JSON', async () => {
    mkdirSync(join(folder.path, 'rules.d'));
    write('rules.d/10-b.rules', '-e 2\n-w /etc/passwd -p w\n');
    write('rules.d/9-a.rules', '-w /etc/group -p w\n');
    const said = await run('audit', 'check', 'rules.d', '--json');
    expect(said.code).toBe(1);
    const { rules, diagnostics } = JSON.parse(said.stdout);
    expect(rules.map(({ file, line }: { file: string; line: number }) => [file.replace(/.*\//, ''), line])).toEqual([
      ['9-a.rules', 1],
      ['10-b.rules', 2],
    ]);
    expect(diagnostics).toMatchObject([{ code: 'audit/lock', severity: 'error', line: 1, column: 4 }]);
  });

  it('never sends a control character of a file to the terminal', async () => {
    write('a.rules', '-w /etc/\u001b[31mpasswd -p z\n');
    expect((await run('audit', 'check', 'a.rules')).stdout).not.toContain('\u001b');
  });

  it('wants a path: exit 2', async () => {
    expect((await run('audit', 'check')).code).toBe(2);
  });

  it('tells a file that is not there: exit 1', async () => {
    const said = await run('audit', 'check', 'missing.rules');
    expect([said.code, said.stdout.includes('[audit/unreadable]')]).toEqual([1, true]);
  });
});

describe('audit rules', () => {
  it('knows what a misspelt profile meant: exit 2', async () => {
    const said = await run('audit', 'rules', '--profile', 'exce');
    expect([said.code, said.stderr]).toEqual([2, expect.stringContaining('Did you mean `exec`?')]);
    expect((await run('audit', 'rules', '--profile', 'x')).stderr).toContain(
      'Name one of exec, default, everything, none.',
    );
  });

  it('prints each profile so that audit check finds no error in it', async () => {
    const counts: number[] = [];
    for (const profile of ['none', 'exec', 'default', 'everything']) {
      const said = await run('audit', 'rules', '--profile', profile);
      write(`${profile}.rules`, said.stdout);
      expect((await run('audit', 'check', `${profile}.rules`)).code).toBe(0);
      counts.push(said.stdout.split('\n').length - 1);
    }
    expect(counts[0]).toBe(0);
    expect(counts.every((count, index) => index === 0 || count > (counts[index - 1] as number))).toBe(true);
  });

  it('prints what the configuration asks for: files first, then the profile', async () => {
    write('own.rules', '-a never,exit -S all -F uid=64242\n');
    write('vedette.yaml', 'collector: { rules: exec, rules_files: [own.rules] }\n');
    const { rules } = JSON.parse((await run('audit', 'rules', '--json')).stdout);
    expect(rules[0]).toBe('-a never,exit -S all -F uid=64242');
    expect(rules.slice(1).every((rule: string) => /-F key=vedette-(exec|identity)$/.test(rule))).toBe(true);
    expect(rules.length).toBeGreaterThan(1);
  });

  it('refuses an unknown profile: exit 2', async () => {
    expect((await run('audit', 'rules', '--profile', 'all')).code).toBe(2);
  });
});
