// `vedette rules import`, as people and CI use it: what it prints, what it writes and what it leaves alone, what it reads and what it does not.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import { serveStore } from './served-store.ts';
import { makeFolder, NOW_MS, runHere, type Said, type TestFolder } from './terminal.ts';

const ID = '11111111-0000-4000-8000-000000000001';
const RULE = `title: A program of the temporary folder
id: ${ID}
author: Somebody
logsource: { product: linux, category: process_creation }
detection:
  selection: { Image|startswith: /tmp/ }
  condition: selection
level: high
`;
const REFUSED = `title: A mining pool
id: 22222222-0000-4000-8000-000000000002
logsource: { product: linux, category: network_connection }
detection:
  selection: { DestinationHostname: pool.example.com }
  condition: selection
`;

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'sigma'));
  write('sigma/tmp.yml', RULE);
});
afterEach(() => folder.remove());

function write(name: string, text: string): void {
  writeFileSync(join(folder.path, name), text);
}

function run(...words: readonly string[]): Promise<Said> {
  return runHere(['rules', 'import', ...words], { cwd: folder.path });
}

describe('rules import', () => {
  it('prints a rule in our words, with what it could not say beside it', async () => {
    const { code, stdout, stderr } = await run('sigma', 'sigma');
    expect([code, stderr]).toEqual([0, '1 document: 1 run\n']);
    expect(stdout).toContain(`---\nid: ${ID}\nname: A program of the temporary folder\n`);
    write('sigma/pool.yml', REFUSED);
    const both = await run('sigma', 'sigma');
    expect(both.code).toBe(1);
    expect(both.stdout).toBe(stdout);
    expect(both.stderr).toContain('sigma/pool.yml:5:16: error: no event has `DestinationHostname`');
    expect(both.stderr).toContain('2 documents: 1 run, 1 not expressible\n');
  });

  it('tells of a rule that would replace a shipped one', async () => {
    write('sigma/shell.yml', RULE.replace(ID, 'reverse-shell'));
    const { code, stdout } = await run('sigma', 'sigma', '--report');
    expect(code).toBe(0);
    expect(stdout).toMatch(/runs with remarks.*shell\.yml/);
    expect(stdout).toContain('the id `reverse-shell` is that of a shipped rule, which this one would replace');
  });

  it('takes no file that is not UTF-8, as a folder of rules does not', async () => {
    writeFileSync(join(folder.path, 'sigma', 'tmp.yml'), RULE.replace('/tmp/', '/café'), 'latin1');
    const { code, stdout, stderr } = await run('sigma', 'sigma');
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('sigma/tmp.yml: error: the file is not UTF-8');
  });

  it('writes a file for each rule, which the server reads as the same rule', async () => {
    const { code, stderr } = await run('sigma', 'sigma', '--out', 'mine');
    expect([code, stderr]).toEqual([0, '1 document: 1 run\n1 file written, 0 unchanged\n']);
    expect(readdirSync(join(folder.path, 'mine'))).toEqual([`${ID}.yaml`]);
    const text = readFileSync(join(folder.path, 'mine', `${ID}.yaml`), 'utf8');
    expect(text).toMatch(/^# imported from sigma\/tmp\.yml:1, sha256 [0-9a-f]{64}\nid: /);
    const { stdout } = await runHere(['rules', 'lint', 'mine', '--json'], { cwd: folder.path });
    const imported = JSON.parse((await run('sigma', 'sigma', '--json')).stdout);
    const linted = JSON.parse(stdout);
    expect(linted.rules.map(({ version }: { version: string }) => version)).toEqual([imported.rules[0].version]);
  });

  it('a second time changes nothing; what came anew is written, what somebody changed is left alone', async () => {
    await run('sigma', 'sigma', '--out', 'mine');
    expect((await run('sigma', 'sigma', '--out', 'mine')).stderr).toContain('0 files written, 1 unchanged');
    write('sigma/tmp.yml', RULE.replace('high', 'low'));
    expect((await run('sigma', 'sigma', '--out', 'mine')).stderr).toContain('1 file written, 0 unchanged');
    const file = join('mine', `${ID}.yaml`);
    const mine = `${readFileSync(join(folder.path, file), 'utf8')}tests: []\n`;
    write(file, mine);
    write('sigma/tmp.yml', RULE);
    const left = await run('sigma', 'sigma', '--out', 'mine');
    expect(left.code).toBe(1);
    expect(left.stdout).toBe(
      `${file} is left as it is: somebody changed it since the last import; --force writes over it\n`,
    );
    expect(readFileSync(join(folder.path, file), 'utf8')).toBe(mine);
    expect((await run('sigma', 'sigma', '--out', 'mine', '--force')).code).toBe(0);
    expect(readFileSync(join(folder.path, file), 'utf8')).toContain('severity: high');
  });

  it('may write below what it reads', async () => {
    for (let time = 0; time < 2; time += 1) {
      const { code, stderr } = await run('sigma', 'sigma', '--out', 'sigma/ours');
      expect([code, stderr]).toEqual([0, expect.stringContaining('1 document: 1 run\n')]);
    }
  });

  it('leaves a file alone that no import wrote, and says what cannot be written', async () => {
    mkdirSync(join(folder.path, 'mine'));
    write(`mine/${ID}.yaml`, RULE);
    expect((await run('sigma', 'sigma', '--out', 'mine')).stdout).toContain('it was not written by an import');
    write('file', '');
    const failed = await run('sigma', 'sigma', '--out', 'file');
    expect([failed.code, failed.stderr]).toEqual([2, expect.stringContaining('file cannot be written: EEXIST')]);
  });

  it('goes into folders, not into links to folders; says what it could not read', async () => {
    mkdirSync(join(folder.path, 'sigma/deep/deeper'), { recursive: true });
    write('sigma/deep/deeper/other.yaml', RULE.replaceAll('1111', '3333'));
    write('sigma/notes.txt', 'no rule');
    symlinkSync('..', join(folder.path, 'sigma/deep/round'));
    symlinkSync('/nowhere', join(folder.path, 'sigma/dangling.yml'));
    execFileSync('mkfifo', [join(folder.path, 'sigma/pipe.yml')]);
    const { code, stderr } = await run('sigma', 'sigma', 'missing.yml');
    expect(code).toBe(1);
    expect(stderr).toContain('2 documents: 2 run\n');
    expect(stderr).toContain('sigma/dangling.yml: error: there is no such file or folder [import/file]');
    expect(stderr).toContain('sigma/pipe.yml: error: this is no file [import/file]');
    expect(stderr).toContain('missing.yml: error: there is no such file or folder [import/file]');
  });

  it('knows the lists of the folders in use', async () => {
    mkdirSync(join(folder.path, 'own/lists'), { recursive: true });
    write('own/lists/names.yaml', 'name: names\nowner: us\nreason: they are\nvalues: [nc]\n');
    write('vedette.yaml', 'rules: { folders: [own] }\n');
    write('sigma/tmp.yml', RULE.replace('Image|startswith: /tmp/', 'User|expand: "%names%"'));
    expect((await run('sigma', 'sigma')).code).toBe(0);
    write('sigma/tmp.yml', RULE.replace('Image|startswith: /tmp/', 'User|expand: "%others%"'));
    expect((await run('sigma', 'sigma')).stderr).toContain('others');
  });

  it('prints hostile titles as text', async () => {
    write('sigma/tmp.yml', RULE.replace('A program', '"\\e[2JA program').replace('folder\n', 'folder"\n'));
    const { stdout } = await run('sigma', 'sigma', '--report', '--data', 'none');
    expect(stdout).toContain('\\x1b[2JA program of the temporary folder');
    expect(stdout).not.toContain('\u001b');
  });

  it.each([
    [['cobol', 'sigma'], 'no language `cobol` is imported'],
    [['sigma', 'sigma', '--force'], '--force goes with --out'],
    [['sigma'], 'something is missing'],
  ])('%j is refused', async (words, message) => {
    const { code, stderr } = await run(...words);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe('rules import --report', () => {
  it('lists every document with what became of it, without a server too', async () => {
    write('sigma/pool.yml', REFUSED);
    write('sigma/windows.yml', RULE.replace('linux', 'windows').replaceAll('1111', '4444'));
    const { code, stdout, stderr } = await run('sigma', 'sigma', '--report', '--data', 'none');
    expect(code).toBe(1);
    const lines = stdout.split('\n');
    expect(lines[1]).toMatch(/^runs +tmp\.yml:1 +A program of the temporary folder$/);
    expect(lines[2]).toMatch(/^source not collected +windows\.yml:1 +A program/);
    expect(lines[4]).toMatch(/^not expressible +pool\.yml:1 +A mining pool$/);
    expect(lines[5]).toMatch(/^ {4}5:16 no event has `DestinationHostname`/);
    expect(stderr).toContain('which fields events have was not asked: no token');
    expect(stderr).toContain('3 documents: 1 run, 1 of sources that are not collected, 1 not expressible\n');
  });

  it('says which fields no event has had', async () => {
    const store = openMemoryStore();
    const server = await serveStore(store, join(folder.path, 'data'), () => NOW_MS);
    try {
      const report = (): Promise<Said> => run('sigma', 'sigma', '--report', '--server', server.url);
      expect((await report()).stdout).toContain('never seen: event.action, process.executable');
      const document = {
        '@timestamp': new Date(NOW_MS - 1_000).toISOString(),
        event: { created: new Date(NOW_MS - 1_000).toISOString(), action: 'executed' },
        host: { id: 'h' },
        process: { executable: '/bin/true' },
      };
      await store.append([{ id: 'e1', document }]);
      const { stdout, stderr } = await report();
      expect(stdout).not.toContain('never seen');
      expect(stderr).toBe('1 document: 1 run\n');
      // Far more fields than one question has room for; some are there in old events alone, and one in lists within an object.
      const names = Array.from({ length: 130 }, (_, nth) => `x${nth}.${'long-name-'.repeat(nth % 9)}y`);
      const there = names.filter((_, nth) => nth % 3 === 0);
      await store.append(
        there.map((name, nth) => {
          const atMs = NOW_MS - 86_400_000 + nth;
          const time = new Date(atMs).toISOString();
          const [outer = '', inner = ''] = name.split('.');
          const document = { '@timestamp': time, event: { created: time }, host: { id: 'h' } };
          return { id: `f${nth}`, document: { ...document, [outer]: [{ [inner]: [nth] }] } };
        }),
      );
      const filters = names.map((name) => `- exists: { field: ${name} }`).join('\n');
      mkdirSync(join(folder.path, 'many'));
      write('many/r.yaml', `name: Many\ntype: any\nindex: auditbeat-*\nalert: debug\nfilter:\n${filters}\n`);
      const many = await run('elastalert', 'many', '--report', '--json', '--server', server.url);
      const [rule] = (JSON.parse(many.stdout) as { rules: { unseenFields: string[] }[] }).rules;
      expect(rule?.unseenFields.toSorted()).toEqual(names.filter((name) => !there.includes(name)).toSorted());
    } finally {
      await server.close();
    }
  });

  it('is there for programs', async () => {
    const { rules } = JSON.parse((await run('sigma', 'sigma', '--report', '--json', '--data', 'none')).stdout);
    expect(rules).toMatchObject([
      { file: 'sigma/tmp.yml', line: 1, status: 'runs', id: ID, kind: 'single', diagnostics: [] },
    ]);
  });
});
