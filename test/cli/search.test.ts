// `vedette search` against the real server, in this process, on the memory store: every kind of output, and what is hostile in it.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../event/document.ts';
import type { RunningServer, ServerOptions } from '../../server/options.ts';
import { startServer } from '../../server/server.ts';
import { openMemoryStore } from '../../store/memory/memory-store.ts';
import type { EventStore } from '../../store/port.ts';
import { MAIN, makeFolder, NOW_MS, runHere, type Said, type TestFolder } from './terminal.ts';

const PAGE = fileURLToPath(new URL('../../docs/search.md', import.meta.url));

let folder: TestFolder;
let server: RunningServer;
let store: EventStore;
let options: ServerOptions;

beforeAll(async () => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'rules'));
  store = openMemoryStore();
  options = {
    version: '0.0.0',
    dataFolder: join(folder.path, 'data'),
    port: 0,
    // It outlives the server: one of the tests starts that again.
    store: { kind: 'given', store: { ...store, close: async () => undefined } },
    ruleFolders: [{ path: join(folder.path, 'rules'), kind: 'own' }],
    channels: { terminal: { writable: new PassThrough().resume() } },
    now: () => NOW_MS,
    onNotice: () => {},
  };
  server = await startServer(options);
});
afterAll(async () => {
  await server?.close();
  folder.remove();
});

function ask(...words: readonly string[]): Promise<Said> {
  return runHere([...words, '--server', server.url], { cwd: folder.path });
}

function askAt(columns: number, ...words: readonly string[]): Promise<Said> {
  return runHere([...words, '--server', server.url], { cwd: folder.path, columns });
}

/** An event `s` seconds before now. */
function event(id: string, s: number, document: Record<string, unknown>): NewEvent {
  const at = new Date(NOW_MS - s * 1_000).toISOString();
  return { id, document: { '@timestamp': at, host: { id: 'h1', name: 'web-1' }, ...document } };
}

describe('events', () => {
  beforeAll(() =>
    store.append([
      event('e1', 120, { e: 1, user: { name: 'ann' }, process: { name: 'curl' }, event: { action: 'executed' } }),
      event('e2', 110, { e: 1, user: { name: '=cmd|calc' }, process: { name: 'a,"b\u001b[2J\u202e' }, n: -5 }),
      event('e3', 100, { e: 1, user: { name: '漢字漢字漢字漢字' }, process: { name: 'x\ny' }, n: 7 }),
    ]),
  );

  it('as a table, the newest last, with the day in the title where the terminal is narrow', async () => {
    const { stdout, stderr } = await askAt(80, 'search', 'e:1 and event.action:*');
    expect(stdout).toBe(
      '2026-05-01    HOST   USER  ACTION    PROCESS  WHAT\n09:58:00.000  web-1  ann   executed  curl     -\n',
    );
    expect(stderr).toContain(
      'query:1:1: warning: no event field is called `e` [query/unknown-field]\n  1 | e:1 and event.action:*\n    | ^\n',
    );
    expect(stderr).toContain('1 event since 2026-05-01T09:00:00.000Z\n');
    for (const width of [60, 80, 200]) {
      const wide = await askAt(width, 'search', 'e:1');
      for (const line of wide.stdout.split('\n')) expect(cells(line)).toBeLessThanOrEqual(width);
      expect(wide.stdout).not.toMatch(/[\u001b\u202e]/);
    }
  });

  it('the oldest first, and the fields asked for with the id', async () => {
    const { stdout, stderr } = await ask(
      'search',
      'e:1',
      '--oldest-first',
      '--limit',
      '2',
      '--fields',
      '_id,n,user.nam',
    );
    expect(stdout).toBe('_id  n   user.nam\ne1   -   -\ne2   -5  -\n');
    expect(stderr).toContain('warning: no event field is called `user.nam`; did you mean `user.name`?\n');
    expect(stderr).toContain('3 events since 2026-05-01T09:00:00.000Z; the oldest 2 are shown (--limit)\n');
  });

  it('as values parted by commas that neither a spreadsheet nor a parser mistakes', async () => {
    const fields = '@timestamp,user.name,process.name,n';
    const { stdout } = await ask('search', 'e:1', '--format', 'csv', '--fields', fields);
    expect(stdout).toBe(
      [
        fields,
        '2026-05-01T09:58:20.000Z,漢字漢字漢字漢字,x\\x0ay,7',
        '2026-05-01T09:58:10.000Z,\'=cmd|calc,"a,""b\\x1b[2J\\u202e",-5',
        '2026-05-01T09:58:00.000Z,ann,curl,',
        '',
      ].join('\r\n'),
    );
  });

  it('a document a line, with its id and without what a terminal obeys', async () => {
    const { stdout } = await ask('search', 'e:1 and n:*', '--format', 'ndjson', '--limit', '20000');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { _id: 'e3' },
      { _id: 'e2', process: { name: 'a,"b\u001b[2J\u202e' } },
    ]);
    expect(stdout).not.toMatch(/[\u001b\u202e]/);
  });

  it('as the API has them', async () => {
    const answer = JSON.parse((await ask('search', 'e:1', '--json')).stdout);
    expect(answer).toMatchObject({ total: 3, isTotalExact: true, events: [{ id: 'e3' }, { id: 'e2' }, { id: 'e1' }] });
    expect(answer.warnings).toHaveLength(1);
    expect(JSON.parse((await ask('search', 'e:1', '--format', 'json')).stdout)).toEqual(answer);
  });

  it('around one of them', async () => {
    const { stdout, stderr } = await ask('search', '--around', 'e2', '--within', '10s', '--fields', '_id,@timestamp');
    expect(stdout).toBe(
      '   _id  @timestamp\n   e1   2026-05-01T09:58:00.000Z\n>  e2   2026-05-01T09:58:10.000Z\n   e3   2026-05-01T09:58:20.000Z\n',
    );
    expect(stderr).toBe('3 events from 2026-05-01T09:58:00.000Z to 2026-05-01T09:58:20.000Z\n');
    expect(await ask('search', '--around', 'nothing')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no such event'),
    });
  });
});

describe('counts', () => {
  const OPTIONS = ['--since', '5m'];
  beforeAll(() =>
    store.append(
      [0, 0, 0, 60, 180].map((s, n) =>
        event(`c${n}`, s, { c: 1, user: { name: n < 2 ? 'ann' : 'bob' }, destination: { ip: `10.0.0.${n % 2}` } }),
      ),
    ),
  );

  it('by values, and of different values', async () => {
    const by = await ask('search', 'c:1', '--count-by', 'user.name', '--distinct', 'destination.ip', ...OPTIONS);
    expect(by.stdout).toBe('EVENTS  DISTINCT  user.name\n     3         2  bob\n     2         2  ann\n');
    expect(by.stderr).toContain('5 events in 2 groups, 2 distinct since 2026-05-01T09:55:00.000Z\n');
    const none = await ask('search', 'c:2', '--distinct', 'destination.ip', ...OPTIONS);
    expect(none.stdout).toBe('EVENTS  DISTINCT destination.ip\n     0                        0\n');
  });

  it('by time, with the times between, and by both', async () => {
    const { stdout } = await askAt(60, 'search', 'c:1', '--histogram', '1m', ...OPTIONS);
    expect(stdout).toBe(
      [
        'TIME (UTC)                EVENTS',
        `2026-05-01T09:57:00.000Z       1  ${'█'.repeat(8)}${'▋'}`,
        '2026-05-01T09:58:00.000Z       0',
        `2026-05-01T09:59:00.000Z       1  ${'█'.repeat(8)}${'▋'}`,
        `2026-05-01T10:00:00.000Z       3  ${'█'.repeat(26)}`,
        '',
      ].join('\n'),
    );
    const both = await ask('search', 'c:1', '--histogram', '1m', '--count-by', 'user.name', ...OPTIONS);
    expect(both.stdout).toBe(
      'EVENTS  user.name  2026-05-01T09:57Z, 1m each, at most 2\n     3  bob        ▄ ▄▄\n     2  ann           █\n',
    );
  });

  it('as lines of values', async () => {
    const words = ['search', 'c:1', '--count-by', 'user.name', '--histogram', '1h', ...OPTIONS];
    expect((await ask(...words, '--format', 'csv')).stdout).toBe(
      '@timestamp,user.name,events\r\n2026-05-01T09:00:00.000Z,bob,2\r\n2026-05-01T10:00:00.000Z,bob,1\r\n2026-05-01T10:00:00.000Z,ann,2\r\n',
    );
    const [first] = (await ask(...words, '--format', 'ndjson')).stdout.split('\n');
    expect(JSON.parse(first ?? '')).toEqual({
      '@timestamp': '2026-05-01T09:00:00.000Z',
      by: { 'user.name': 'bob' },
      events: 2,
    });
    expect(JSON.parse((await ask(...words, '--json')).stdout)).toMatchObject({ events: 5, combinations: 2 });
  });
});

describe('the questions of docs/search.md', () => {
  const page = readFileSync(PAGE, 'utf8');
  /** The command below a question, as words. */
  const commandBelow = (question: string): readonly string[] => {
    const [, query = '', rest = ''] =
      /```sh\nnpx vedette search '([^']*)' (.*)\n/.exec(page.slice(page.indexOf(question))) ?? [];
    return ['search', query, ...rest.split(' ')];
  };
  const RANGE = ['--since', '2026-11-01', '--until', '2026-12-01'];

  it('come with the range that they are of, its end too', async () => {
    const range = 'since 2026-11-01T00:00:00.000Z until 2026-12-01T00:00:00.000Z\n';
    for (const words of [[], ['--distinct', 'n']])
      expect((await ask('search', 'nothing:1', ...RANGE, ...words)).stderr).toContain(range);
  });

  /** A recorded connect(), with another address, answer, process and user. */
  const SAMPLE = readFileSync(fileURLToPath(new URL('../data/audit-samples/connect_v4.log', import.meta.url)), 'latin1')
    .split('\n')
    .slice(0, 4)
    .join('\n');
  const connect = (n: number, to: string, port: number, answer: string, comm: string, user: string): string => {
    const address = to.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
    const saddr = `0200${port.toString(16).padStart(4, '0')}${address.join('')}${'0'.repeat(16)}`.toUpperCase();
    return SAMPLE.replaceAll(':2713847)', `:${2_713_847 + n})`)
      .replace('success=no exit=-111', answer)
      .replace('key="net"', `key="net"\u001dUID="${user}"`)
      .replace('comm="acts"', `comm="${comm}"`)
      .replace(/saddr=\w+/, `saddr=${saddr}`);
  };
  const MADE = 'success=yes exit=0';
  const UNDER_WAY = 'success=no exit=-115';
  const REFUSED = 'success=no exit=-111';

  it('are answered from what the kernel says of connections', async () => {
    const log = join(folder.path, 'connections.log');
    const lines = [
      connect(1, '198.51.100.7', 443, UNDER_WAY, 'curl', 'root'),
      connect(2, '198.51.100.7', 443, MADE, 'curl', 'root'),
      connect(3, '198.51.100.7', 8443, MADE, 'curl', 'root'),
      connect(4, '203.0.113.9', 443, UNDER_WAY, 'python3', 'www-data'),
      connect(5, '203.0.113.10', 443, REFUSED, 'python3', 'www-data'),
      connect(6, '192.0.2.53', 53, MADE, 'curl', 'root'),
      connect(7, '127.0.0.1', 5432, MADE, 'psql', 'www-data'),
    ];
    writeFileSync(log, `${lines.join('\n')}\n`);
    const samples = fileURLToPath(new URL('../data/audit-samples/', import.meta.url));
    for (const file of [log, join(samples, 'connect_unix.log'), join(samples, 'socket_families.log')])
      expect((await ask('import', file, '--host', 'web-9')).code).toBe(0);
    const unique = await ask(...commandBelow('How many unique outgoing TCP connections'), ...RANGE);
    expect(unique.stdout).toBe(
      'EVENTS  DISTINCT host.id, destination.ip, destination.port\n     4                                                   3\n',
    );
    const who = await ask(...commandBelow('Which processes and users'), ...RANGE);
    expect(who.stdout).toBe(
      'EVENTS  DISTINCT  process.name  user.name\n     3         2  curl          root\n     1         1  python3       www-data\n',
    );
    const certain = await ask(
      'search',
      'network.transport:tcp and event.action:connected-to',
      ...RANGE,
      '--count-by',
      'error.code',
    );
    expect(certain.stdout).toContain('     2  EINPROGRESS\n');
  });
});

describe('a process tree', () => {
  const act = (id: string, s: number, pid: number, above: readonly number[], line: string): NewEvent =>
    event(id, s, {
      event: { action: 'executed' },
      user: { name: 'www-data' },
      process: {
        entity_id: `p${pid}`,
        pid,
        name: line.split(' ')[0],
        command_line: line,
        parent: { entity_id: `p${above[0]}`, pid: above[0] },
        ancestors: above.map((one) => ({ entity_id: `p${one}`, pid: one, name: `n${one}` })),
        ancestors_complete: true,
      },
    });
  beforeAll(() =>
    store.append([
      act('t1', 3_600_000, 20, [1], 'apache2 -k start'),
      act('t2', 500, 30, [20, 1], "sh -c 'curl \u001b[2J\u202e'"),
      act('t3', 499, 31, [30, 20, 1], 'curl http://x'),
      act('t4', 498, 32, [30, 20, 1], 'bash'),
      act('t5', 497, 33, [32, 30, 20, 1], 'cat /etc/shadow'),
      event('t6', 490, {
        event: { action: 'ended' },
        process: { entity_id: 'p31', pid: 31, exit_code: 7, parent: { entity_id: 'p30' } },
      }),
      ...Array.from({ length: 60 }, (_, n) =>
        act(
          `deep${n}`,
          400 - n,
          100 + n,
          [...Array.from({ length: n }, (_, m) => 99 + n - m), 33, 32, 30, 20, 1],
          `d${n}`,
        ),
      ),
    ]),
  );

  it('goes from the root to the leaves, safe to print, in the terminal’s width', async () => {
    const { stdout, stderr } = await ask('search', '--tree', 't2', '--limit', '8');
    expect(stdout).toBe(
      [
        'web-1',
        '1 - -  n1',
        '└─ 20 www-data 2026-03-20T18:00:00.000Z  apache2 -k start',
        "   └─ ▶ 30 www-data 2026-05-01T09:51:40.000Z  sh -c 'curl \\x1b[2J\\u202e'",
        '      ├─ 31 www-data 2026-05-01T09:51:41.000Z  curl http://x (exit 7 after 9 s)',
        '      └─ 32 www-data 2026-05-01T09:51:42.000Z  bash',
        '         └─ 33 www-data 2026-05-01T09:51:43.000Z  cat /etc/shadow',
        '            └─ 100 www-data 2026-05-01T09:53:20.000Z  d0',
        '               └─ 101 www-data 2026-05-01T09:53:21.000Z  d1',
        '',
      ].join('\n'),
    );
    expect(stderr).toBe('2 ancestors, 5 descendants, and more that are not shown (--limit, --since)\n');
    for (const width of [60, 80])
      for (const line of (await askAt(width, 'search', '--tree', 'p30')).stdout.split('\n'))
        expect(cells(line)).toBeLessThanOrEqual(width);
  });

  it('as data, and in ASCII', async () => {
    const lines = (await ask('search', '--tree', 'p30', '--format', 'csv')).stdout.split('\r\n');
    expect(lines[0]).toMatch(/^role,pid,name,/);
    expect(lines).toHaveLength(2 + 2 + 1 + 63);
    const ascii = await runHere(['search', '--tree', 'p30', '--server', server.url], {
      cwd: folder.path,
      env: { LC_ALL: 'C' },
    });
    expect(ascii.stdout).toContain('\n      |- 31 ');
    expect(await ask('search', '--tree', 'p404')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no-process'),
    });
  });
});

describe('the commands of docs/search.md', () => {
  // In this process, as a process for each would take seconds; --follow has no end, and a test of its own.
  const commands = readFileSync(PAGE, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('npx vedette search ') && !line.includes('--follow'))
    .map((line) => line.slice('npx vedette '.length).replace(/ > \S+$/, ''));

  it('are there at all', () => {
    expect(commands.length).toBeGreaterThan(15);
  });

  it.each(commands)('run: %s', async (line) => {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    const known = words.map((word) => word.replace('EVENT_ID', 't2').replace('ENTITY', 'p30'));
    expect(await ask(...known)).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') });
  });
});

describe('options', () => {
  it.each([
    [[], 'a query is missing'],
    [['*', '--follow', '--count-by', 'a'], '--follow and --count-by do not go together'],
    [['*', '--tree', 'x'], '--tree takes no query'],
    [['*', '--within', '1m'], '--within belongs to --around'],
    [['--around', 'x', '--since', '1h'], '--around has its own range'],
    [['--around', 'x', '--within', 'soon'], 'is no duration'],
    [['*', '--histogram', '1'], 'is no duration'],
    [['*', '--histogram', '1ms'], 'more than 5000 steps'],
    [['*', '--format', 'xml'], 'is no format'],
    [['*', '--format', 'csv', '--json'], 'say two things'],
    [['*', '--count-by', 'a,,b'], 'no list of fields'],
    [['*', '--count-by', 'a', '--fields', 'b'], '--fields does not go'],
    [['*', '--limit', '10001'], 'out of range'],
    [['*', '--follow', '--until', '1m'], '--follow has no end'],
  ])('%j is refused: %s', async (words, said) => {
    const { code, stdout, stderr } = await ask('search', ...words);
    expect({ code, said: `${stdout}${stderr}` }).toEqual({ code: 2, said: expect.stringContaining(said) });
  });
});

describe('--follow', () => {
  it('prints the past, then each new event once, over a restart of the server, until Ctrl-C', async () => {
    await store.append([event('f-older', 40, { f: 1 }), event('f0', 30, { f: 1 })]);
    const words = ['search', 'f:1', '--follow', '--since', '2026-01-01', '--limit', '1', '--format', 'ndjson'].concat(
      '--server',
      server.url,
    );
    const child = spawn(process.execPath, [MAIN, ...words], { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] });
    let [said, told] = ['', ''];
    let waiting: (() => void) | undefined;
    child.stderr.on('data', (chunk) => {
      told += String(chunk);
    });
    child.stdout.on('data', (chunk) => {
      said += String(chunk);
      waiting?.();
    });
    const printed = async (count: number): Promise<void> => {
      while (said.split('\n').length - 1 < count)
        await new Promise<void>((resolve) => {
          waiting = resolve;
        });
    };
    await printed(1);
    await store.append([event('f1', 20, { f: 1 }), event('f2', 19, { f: 2 })]);
    await printed(2);
    const { port } = server;
    await server.close();
    await store.append([event('f3', 18, { f: 1 })]);
    server = await startServer({ ...options, port });
    await store.append([event('f4', 17, { f: 1 })]);
    await printed(4);
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(
      said
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)._id),
    ).toEqual(['f0', 'f1', 'f3', 'f4']);
    expect(told).toContain('of the past 2 events only the newest 1 are shown (--limit)');
  });
});

describe('Ctrl-C', () => {
  it('calls the search off, on the server too', async () => {
    let called: ((isOff: boolean) => void) | undefined;
    const next = (): Promise<boolean> =>
      new Promise((resolve) => {
        called = resolve;
      });
    const slow: EventStore = {
      ...store,
      close: async () => undefined,
      search: ({ signal }) =>
        new Promise((_, reject) => {
          called?.(false);
          signal?.addEventListener('abort', () => {
            called?.(true);
            reject(signal.reason);
          });
        }),
    };
    const own = makeFolder();
    const other = await startServer({
      ...options,
      dataFolder: join(own.path, 'data'),
      store: { kind: 'given', store: slow },
    });
    const begun = next();
    const words = ['search', '*', '--server', other.url];
    const child = spawn(process.execPath, [MAIN, ...words], { cwd: own.path, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += String(chunk);
    });
    expect(await begun).toBe(false);
    const off = next();
    const ended = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGINT');
    expect(await off).toBe(true);
    expect(await ended).toBe(3);
    expect(said).toContain('vedette: called off [cli/interrupted]');
    await other.close();
    own.remove();
  });
});

/** Columns of a terminal, as the wide characters of these tests take them. */
function cells(line: string): number {
  return [...line].reduce((sum, character) => sum + (/[\u4e00-\u9fff]/.test(character) ? 2 : 1), 0);
}
