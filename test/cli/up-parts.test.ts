import { statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callOf, quoted } from '../../cli/call.ts';
import { modeInWords } from '../../cli/collector-words.ts';
import type { CollectorReady } from '../../cli/up/child-message.ts';
import { holdFolder } from '../../cli/up/folder-lock.ts';
import { listeningInodes, portOwner } from '../../cli/up/port-owner.ts';
import { renderScreen, type Screen } from '../../cli/up/screen.ts';
import type { Refusal } from '../../collector/options.ts';
import { makeFolder, runHere, type TestFolder } from './terminal.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

const READY: Omit<CollectorReady, 'mode' | 'refused'> = { kind: 'collector-ready', hostId: 'h1', hostName: 'web1' };
const SCREEN: Screen = {
  version: '0.1.0',
  dataFolder: '/srv/vedette/data',
  configFile: undefined,
  server: {
    kind: 'server-ready',
    url: 'http://127.0.0.1:8686',
    enrollmentSecretFile: '/x',
    store: 'embedded',
    ruleFolders: ['/srv/vedette/rules/library'],
    rulesLoaded: 14,
    diagnostics: [],
    channels: ['terminal', 'slack'],
  },
  collector: { ...READY, mode: { kind: 'kernel', rules: 31, isLocked: false }, refused: [] },
  program: 'npx vedette',
  clientOptions: '',
  sampleRule: 'rules/library/web-server-spawned-shell.yaml',
};

describe('the screen of vedette up', () => {
  it('says what runs, where the data lies, and what to try', () => {
    expect(renderScreen(SCREEN)).toMatchInlineSnapshot(`
      "
      Vedette 0.1.0 is running. Ctrl-C stops everything and puts the kernel back as it was.

        collector  watches this host (web1) by the kernel’s audit socket; 31 audit rules loaded, taken out again at the end
        server     http://127.0.0.1:8686
        store      embedded
        data       /srv/vedette/data
        rules      14 rules loaded
                   /srv/vedette/rules/library
        alerts to  terminal, slack

      Try, in another terminal:
        npx vedette search 'event.action:executed' --since 1h
        npx vedette alerts list
        npx vedette backtest rules/library/web-server-spawned-shell.yaml --since 24h
        npx vedette hosts

      Alerts follow as they come.

      "
    `);
  });

  it('shows broken rules, a bounded number of them, made safe to print', () => {
    const diagnostic = {
      code: 'rule/unknown-key',
      severity: 'error' as const,
      message: 'unknown key `sevrity`',
      remedy: 'Did you mean `severity`?',
      file: 'my/x.yaml',
      line: 4,
      column: 1,
      sourceLine: 'sevrity: \u001b[2Jhigh',
    };
    const server = { ...SCREEN.server, diagnostics: Array.from({ length: 7 }, () => diagnostic) };
    const text = renderScreen({ ...SCREEN, server });
    expect(text).toContain('14 rules loaded, 7 errors (below)');
    expect(text).toContain('my/x.yaml:4:1: error: unknown key `sevrity` [rule/unknown-key]');
    expect(text.match(/unknown key/g)).toHaveLength(5);
    expect(text).toContain('… and 2 more: npx vedette rules lint');
    expect(text).not.toContain('\u001b');
  });

  it('quotes paths as a shell needs them', () => {
    expect([quoted('/a/b-c.yaml'), quoted("/a b/it's")]).toEqual(['/a/b-c.yaml', "'/a b/it'\\''s'"]);
  });

  it('a command that is suggested finds the server from where the person stands', () => {
    const clone = join(import.meta.dirname, '../..');
    expect(callOf({ cwd: clone }, { dataFolder: join(clone, 'data') })).toEqual({
      program: 'npx vedette',
      clientOptions: '',
      isHere: true,
    });
    expect(callOf({ cwd: '/srv' }, { dataFolder: '/srv/my data' })).toEqual({
      program: 'vedette',
      clientOptions: " --data '/srv/my data'",
      isHere: false,
    });
  });
});

describe('what the collector watches, in words', () => {
  const refusals: readonly Refusal[] = [
    { kind: 'owned-by', pid: 7, name: 'auditd' },
    { kind: 'no-permission' },
    { kind: 'no-audit' },
    { kind: 'folder-in-use' },
    { kind: 'failed', reason: 'EIO' },
  ];

  it('names the daemon beside which it listens, and why', () => {
    const words = modeInWords({
      ...READY,
      mode: { kind: 'multicast', owner: { pid: 7, name: 'auditd' } },
      refused: [{ source: 'kernel', refusal: { kind: 'owned-by', pid: 7, name: 'auditd' } }],
    });
    expect(words).toEqual([
      'watches this host (web1) by multicast beside auditd (pid 7); no rule loaded, no setting changed',
      'not by kernel: auditd (pid 7) owns the kernel’s audit socket. Stop auditd if Vedette shall load its own rules; beside it, Vedette sees what its rules ask for.',
    ]);
  });

  it('says loudly that a recording is not this machine, and the reason once', () => {
    const refused = (['kernel', 'multicast'] as const).map((source) => ({
      source,
      refusal: { kind: 'no-permission' } as const,
    }));
    const words = modeInWords({ ...READY, mode: { kind: 'recording', file: 'x' }, refused });
    expect(words[0]).toContain('this machine is NOT watched');
    expect(words).toHaveLength(2);
    expect(words[1]).toContain('sudo npm start');
  });

  it.each(refusals)('has a remedy for $kind', (refusal) => {
    const words = modeInWords({
      ...READY,
      mode: { kind: 'recording', file: 'x' },
      refused: [{ source: 'kernel', refusal }],
    });
    expect(words[1]).toMatch(/^not by kernel: .+\. .+\.$/);
  });
});

describe('the data folder', () => {
  it('belongs to one `up` at a time, is private, and is free again after', async () => {
    const path = join(folder.path, 'deep', 'data');
    const first = await holdFolder(path);
    expect(first.isOk).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    const second = await holdFolder(path);
    expect(second).toMatchObject({
      isOk: false,
      failure: { code: 'up/folder-taken', message: expect.stringContaining(`pid ${process.pid}`) },
    });
    if (first.isOk) first.value.release();
    expect((await holdFolder(path)).isOk).toBe(true);
  });

  it('that cannot be made is said to be so', async () => {
    writeFileSync(join(folder.path, 'file'), '');
    expect(await holdFolder(join(folder.path, 'file', 'data'))).toMatchObject({
      isOk: false,
      failure: { code: 'up/folder-unusable' },
    });
  });
});

describe('the owner of a port', () => {
  it('is found by the inode of its listening socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await portOwner(port)).toContain(`(pid ${process.pid})`);
    await new Promise((resolve) => server.close(resolve));
    expect(await portOwner(port)).toBeUndefined();
  });

  it('is read from the kernel’s table, listening sockets of that very port alone', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:21EE 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1',
      '   1: 0100007F:21EE 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1',
      '   2: 0100007F:21EF 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1',
    ].join('\n');
    expect(listeningInodes(table, 8686)).toEqual(['111']);
  });
});

describe('vedette up with a server elsewhere', () => {
  it('is refused: that would be a collector alone', async () => {
    const env = { VEDETTE_COLLECTOR_SERVER: 'https://elsewhere.test' };
    const said = await runHere(['up'], { cwd: folder.path, env });
    expect(said.code).toBe(2);
    expect(said.stderr).toContain('run `vedette collector` alone');
  });
});
