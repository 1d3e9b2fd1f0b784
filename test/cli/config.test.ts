import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../cli/config/json-schema.ts';
import { CONFIG_KEYS, variableOf } from '../../cli/config/keys.ts';
import { makeFolder, runHere, type TestFolder } from './terminal.ts';

let folder: TestFolder;
beforeEach(() => {
  folder = makeFolder();
});
afterEach(() => folder.remove());

async function show(yaml: string, env: Record<string, string> = {}, words: readonly string[] = []) {
  writeFileSync(join(folder.path, 'vedette.yaml'), yaml);
  return runHere(['config', 'show', '--json', ...words], { cwd: folder.path, env });
}

async function complaints(yaml: string, env: Record<string, string> = {}): Promise<string> {
  writeFileSync(join(folder.path, 'vedette.yaml'), yaml);
  const said = await runHere(['config', 'show'], { cwd: folder.path, env });
  expect(said.code).toBe(2);
  return said.stderr.replaceAll(folder.path, '');
}

describe('the configuration', () => {
  it('is complete without any file', async () => {
    const said = await runHere(['config', 'show', '--json'], { cwd: folder.path });
    expect(said.code).toBe(0);
    expect(JSON.parse(said.stdout)).toMatchObject({
      dataFolder: join(folder.path, 'data'),
      server: { host: '127.0.0.1', port: 8686, silenceAfterMs: 90_000, retentionMs: 30 * 86_400_000 },
      store: { kind: 'embedded' },
      rules: { hasShipped: true, folders: [] },
      collector: { source: 'auto', spoolBytesMax: 1024 ** 3 },
    });
  });

  it('takes the command line before the environment before the file', async () => {
    const yaml = 'data: from-file\nserver: { port: 1111, silence_after: 5m }\n';
    const env = { VEDETTE_SERVER_PORT: '2222', VEDETTE_DATA: 'from-environment' };
    const said = JSON.parse((await show(yaml, env, ['--data', 'from-option'])).stdout);
    expect(said).toMatchObject({
      dataFolder: join(folder.path, 'from-option'),
      server: { port: 2222, silenceAfterMs: 300_000 },
    });
  });

  it('takes paths of the file from the folder of the file', async () => {
    writeFileSync(join(folder.path, 'other.yaml'), 'rules: { folders: [mine, /abs/yours] }\n');
    const said = await runHere(['config', 'show', '--json', '--config', join(folder.path, 'other.yaml')], { cwd: '/' });
    expect(JSON.parse(said.stdout).rules.folders).toEqual([join(folder.path, 'mine'), '/abs/yours']);
  });

  it.each(CONFIG_KEYS.filter(({ kind }) => kind !== 'secret'))(
    'takes $path from its environment variable',
    async (key) => {
      const samples = {
        text: 'x',
        texts: 'x',
        path: '/x',
        paths: '/x',
        port: '77',
        boolean: 'true',
        count: '12',
        duration: '3h',
        bytes: '5MiB',
        percent: '25%',
        url: 'http://x.test',
        choice: key.choices?.at(-1) ?? '',
        secret: '',
      };
      const said = await runHere(['config', 'show', '--json'], {
        cwd: folder.path,
        env: { [variableOf(key)]: samples[key.kind] },
      });
      // Half a channel is refused for what it lacks, never for the variable itself.
      expect(said.stdout).not.toMatch(/config\/(value|unknown)/);
    },
  );

  it('shows where a secret comes from, and never the secret', async () => {
    const said = await show('alerts: { slack: { channel: C1 } }\n', { VEDETTE_SLACK_TOKEN: 'xoxb-hush' });
    expect(JSON.parse(said.stdout).alerts.slack.token).toBe('from VEDETTE_SLACK_TOKEN');
    expect(said.stdout + said.stderr).not.toContain('xoxb-hush');
  });

  it.each([
    'slack: { channel: C1, token: xoxb-hush }',
    'slack:\n    channel: C1\n    token: "xoxb-hush"',
    'email: { password: xoxb-hush }',
    'webhook: { secret: [xoxb-hush }',
  ])('refuses a literal secret without repeating it: %s', async (text) => {
    const said = await complaints(`alerts:\n  ${text}\n`);
    expect(said).not.toContain('xoxb-hush');
    expect(said).toMatch(/vedette\.yaml:[23]:/);
  });

  it('says where to put a literal secret instead', async () => {
    expect(await complaints('alerts:\n  slack:\n    channel: C1\n    token: xoxb-1\n')).toBe(
      [
        '/vedette.yaml:3:14: error: `alerts.slack.channel` needs `alerts.slack.token_file` too [config/missing]',
        '  3 |     channel: C1',
        '    |              ^',
        '  Give `alerts.slack.token_file` as well.',
        '/vedette.yaml:4:5: error: a secret does not belong into this file: `alerts.slack.token` [config/literal-secret]',
        '  Give it as VEDETTE_SLACK_TOKEN, or put it into a file with mode 0600 and write `token_file: PATH`; and change it, for this file may have been read.',
        'vedette: the configuration has 2 errors [config/invalid]',
        '  Nothing was started. docs/configuration.md lists every key.',
        '',
      ].join('\n'),
    );
  });

  it.each([
    ['sever:\n  port: 1', '1:1', 'unknown key `sever`', 'Did you mean `server`?'],
    ['server:\n  prot: 1', '2:3', 'unknown key `prot` in `server`', 'Did you mean `port`?'],
    ['server:\n  silence: 1', '2:3', 'unknown key `silence`', 'Known here: host, port, silence_after'],
    ['channel: x', '1:1', 'unknown key `channel`', 'It is known as `alerts.slack.channel`.'],
    ['server:\n  port: eighty', '2:9', '`eighty` is not a port', 'a number from 0 to 65535'],
    ['server:\n  port: 70000', '2:9', '`70000` is not a port', 'a number from 0 to 65535'],
    ['server:\n  port: [1]', '2:9', 'not a single value', 'Write one value.'],
    ['server:\n  port:', '2:8', 'no value', 'leave `server.port` out'],
    ['server:\n  silence_after: 90', '2:18', 'not a duration', '30s'],
    ['server: 8686', '1:9', '`server` is a section', 'host, port'],
    ['rules:\n  shipped: yes', '2:12', 'neither true nor false', ''],
    ['rules:\n  folders: { a: b }', '2:12', 'not a list of values', 'Write [a, b].'],
    ['collector:\n  source: kernle', '2:11', 'none of auto, kernel', 'Did you mean `kernel`?'],
    ['collector:\n  spool: { max_bytes: 1GB }', '2:23', '`1GB` is not a size', '1GiB'],
    ['collector:\n  server: ftp://x', '2:11', 'not an http or https URL', ''],
    ['collector:\n  server: http://u:p@x', '2:11', 'user name or password', 'Take them out'],
    [
      'store:\n  embedded: {}\n  elasticsearch: { node: "http://x" }',
      '2:13',
      'both `embedded` and `elasticsearch`',
      'Keep one',
    ],
    ['store:\n  elasticsearch: { username: x }', '2:30', 'needs `store.elasticsearch.node`', ''],
    ['alerts:\n  email: { host: h, from: a, to: [b], user: u }', '2:45', 'needs `alerts.email.password_file` too', ''],
    ['- a', '1:1', 'the file is not a map', 'Start with a key'],
    ['server:\n\tport: 1', '2:1', '', 'never by tabs'],
    ['server: {port: 1}\nserver: {port: 2}', '2:1', 'unique', ''],
    ['a: &x [1]\nrules: { folders: *x }', '2:19', 'not a list', ''],
    ['__proto__: { port: 1 }', '1:1', 'unknown key `__proto__`', ''],
  ])('points at what is wrong: %j', async (yaml, place, message, remedy) => {
    const said = await complaints(`${yaml}\n`);
    expect(said).toContain(`/vedette.yaml:${place}: error: `);
    expect(said).toContain(message);
    expect(said).toContain(remedy);
  });

  it('reports everything that is wrong at once', async () => {
    const said = await complaints('server: { port: x, prot: 1 }\ncollector: { source: y }\n', {
      VEDETTE_SERVER_SILENCE_AFTER: 'z',
    });
    expect(said).toContain('the configuration has 4 errors');
    expect(said).toContain('environment variable VEDETTE_SERVER_SILENCE_AFTER: error:');
  });

  it('does not send control characters of the file to the terminal', async () => {
    expect(await complaints('"\\e[2J\u0007": 1\n')).not.toMatch(/[\u0007\u001b]/);
  });

  it('refuses a file beyond its bound', async () => {
    expect(await complaints(`# ${'x'.repeat(300_000)}\n`)).toContain('larger than 256 KiB');
  });

  it('warns of a variable that only looks like one of ours', async () => {
    const said = await runHere(['config', 'show'], { cwd: folder.path, env: { VEDETTE_SERVER_PROT: '1' } });
    expect(said.code).toBe(0);
    expect(said.stderr).toContain('Did you mean `VEDETTE_SERVER_PORT`?');
  });

  it('tells what is wrong in the order of the file, whichever check found it', async () => {
    writeFileSync(join(folder.path, 'wrong.yaml'), 'collector: { limits: { cpu: banana }, spol: {} }\nservr: {}\n');
    const said = await runHere(['config', 'show', '--config', 'wrong.yaml'], { cwd: folder.path });
    const places = [...said.stderr.matchAll(/wrong\.yaml:(\d+:\d+): error: (.*) \[/g)].map(([, at, what]) => [
      at,
      what,
    ]);
    expect(places).toEqual([
      ['1:29', '`collector.limits.cpu`: `banana` is not a percentage'],
      ['1:39', 'unknown key `spol` in `collector`'],
      ['2:1', 'unknown key `servr`'],
    ]);
  });

  it('says so when a named file is missing', async () => {
    const missing = await runHere(['config', 'show', '--config', 'gone.yaml'], { cwd: folder.path });
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain(`${join(folder.path, 'gone.yaml')} does not exist`);
  });
});

describe('the JSON Schema', () => {
  it('knows every key of the table and no secret', () => {
    const at = (path: string): unknown =>
      path
        .split('.')
        .reduce<unknown>(
          (node, name) => (node as { properties?: Record<string, unknown> })?.properties?.[name],
          configJsonSchema(),
        );
    for (const key of CONFIG_KEYS) {
      if (key.kind === 'secret') expect(at(key.path), key.path).toBeUndefined();
      else expect(at(key.path), key.path).toMatchObject({ description: expect.stringContaining(key.description) });
    }
    expect(at('store.embedded')).toMatchObject({ type: 'object', additionalProperties: false });
  });

  it('is printed by `config schema`', async () => {
    const said = await runHere(['config', 'schema']);
    expect(JSON.parse(said.stdout)).toEqual(configJsonSchema());
    expect(parse(said.stdout)).toEqual(configJsonSchema());
  });
});
