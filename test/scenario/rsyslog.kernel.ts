// Debian's rsyslog, as docs/ingest.md sets it up, hands on an audit log and syslog to the server: over TLS, over a server that is
// stopped or has enough, and every other way that omelasticsearch has to write.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createImporter } from '../../audit/import.ts';
import type { EventDocument } from '../../event/document.ts';
import { sampleLines } from '../audit/samples.ts';
import { freePort } from '../harness/receivers.ts';
import { selfSigned } from '../harness/self-signed.ts';
import { startTestServer, type TestServer } from '../server/server-under-test.ts';

const CONFIG = /```rsyslog 60-vedette\.conf\n(.*?)```/s.exec(readFileSync('docs/ingest.md', 'utf8'))?.[1] ?? '';
const HAS_RSYSLOG = globSync('/usr/lib/*/rsyslog/omelasticsearch.so').length > 0;
/** As a log has them: without EOE, which auditd does not write. */
const LINES = ['execve_user', 'interleaved_2cpu', 'files_at', 'connect_v4', 'user_mgmt', 'auditd_raw']
  .flatMap((name) => sampleLines(name))
  .filter((line) => !line.startsWith('type=EOE'));

let folder: string;
let server: TestServer;
let rsyslog: ChildProcess | undefined;
let said = '';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-rsyslog-'));
  mkdirSync(join(folder, 'work'));
  server = await startTestServer({
    now: Date.now,
    port: await freePort(),
    store: { kind: 'embedded' },
    tls: { host: '127.0.0.1', port: await freePort(), ...selfSigned(folder, 'vedette') },
  });
});
afterEach(async () => {
  await stop();
  await server.end();
  rmSync(folder, { recursive: true, force: true });
});

function start(config: string): void {
  const file = join(folder, 'rsyslog.conf');
  writeFileSync(file, `global(workDirectory="${join(folder, 'work')}")\n${config}`);
  said = '';
  rsyslog = spawn('rsyslogd', ['-n', '-f', file, '-i', join(folder, 'pid')], { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [rsyslog.stdout, rsyslog.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
}

async function stop(): Promise<void> {
  if (rsyslog === undefined || rsyslog.exitCode !== null || rsyslog.signalCode !== null) return;
  const ended = new Promise((resolve) => rsyslog?.on('exit', resolve));
  rsyslog.kill('SIGTERM');
  await ended;
  rsyslog = undefined;
}

/** The documented settings with this test's addresses and files in the place of theirs. */
function documented(token: string): string {
  const places: readonly (readonly [string, string])[] = [
    ['/var/log/audit/audit.log', join(folder, 'audit.log')],
    ['/var/log/vedette-refused.json', join(folder, 'refused.json')],
    ['/etc/vedette/ca.pem', join(folder, 'cert.pem')],
    ['vedette.example.org', '127.0.0.1'],
    ['"8687"', `"${server.running.tlsPort}"`],
    ['"TOKEN"', `"${token}"`],
    ['resumeInterval="5"', 'resumeInterval="1"'],
    ['dequeueBatchSize="1000"', 'dequeueBatchSize="7"'],
  ];
  return places.reduce((text, [documentedPlace, own]) => {
    expect(text).toContain(documentedPlace);
    return text.replaceAll(documentedPlace, own);
  }, CONFIG);
}

async function stored(query = '*'): Promise<Map<string, EventDocument>> {
  const body = { query, sinceMs: 0, limit: 1_000 };
  const answer = await server.call('POST', '/api/v1/search', { token: server.tokens.reader, body });
  const events: { id: string; document: EventDocument }[] = answer.body.events;
  return new Map(events.map(({ id, document }) => [id, document]));
}

async function until(claim: () => Promise<boolean>): Promise<void> {
  const giveUp = performance.now() + 300_000;
  while (!(await claim())) {
    if (performance.now() > giveUp) throw new Error(`never came true: ${claim}; rsyslog said: ${said}; ${refused()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function refused(): string {
  const file = join(folder, 'refused.json');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** What `vedette import` makes of the lines. */
function imported(lines: readonly string[], hostId: string): Map<string, EventDocument> {
  const importer = createImporter({ hostOf: () => ({ id: hostId, name: hostname(), bootId: '' }) });
  const made = [...lines.flatMap((line) => importer.push(line)), ...importer.end()];
  return new Map(made.flatMap((each) => (each.kind === 'document' ? [[each.id, each.document]] : [])));
}

/** But for when it was made and stored. */
const comparable = (document: EventDocument | undefined): unknown =>
  JSON.parse(
    JSON.stringify(document ?? null, (name, value: unknown) =>
      ['created', 'ingested'].includes(name) ? undefined : value,
    ),
  );

describe.skipIf(!HAS_RSYSLOG)('rsyslog (needs Debian’s rsyslog-elasticsearch)', () => {
  it('as documented hands on an audit log whole, over a server that is stopped and started, and one that has enough', async () => {
    const token = await server.enrol('rs-1', hostname());
    const expected = imported(LINES, 'rs-1');
    const log = join(folder, 'audit.log');
    const third = Math.ceil(LINES.length / 3);
    // No event is cut here: what the server gets after a pause it holds back for longer than an event waits for its rest.
    const twoThirds = LINES.findIndex((line, at) => at >= 2 * third && line.startsWith('type=SYSCALL'));
    writeFileSync(log, `${LINES.slice(0, third).join('\n')}\n`);
    start(documented(token));
    await until(async () => (await stored()).size > 20);
    // The server goes away, in the middle of an event and of a batch, and comes back.
    appendFileSync(log, `${LINES.slice(third, third + 100).join('\n')}\n`);
    await server.running.close();
    appendFileSync(log, `${LINES.slice(third + 100, twoThirds).join('\n')}\n`);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    server = await server.restart();
    await until(async () => (await stored()).size > (expected.size * 2) / 3 - 10);
    // Now it may send no more than any machine sends.
    const quota = { events_per_second: 20, burst_s: 1 };
    expect(
      (await server.call('POST', '/api/v1/hosts/rs-1/quota', { token: server.tokens.admin, body: quota })).status,
    ).toBe(200);
    appendFileSync(log, `${LINES.slice(twoThirds).join('\n')}\n`);
    await until(async () => (await stored()).size >= expected.size);
    // And whatever is open still has its time.
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const found = await stored();
    expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [id, document] of expected) expect(comparable(found.get(id))).toEqual(comparable(document));
    const { hosts } = (await server.call('GET', '/api/v1/hosts', { token: server.tokens.reader })).body;
    expect(hosts[0].counters.over_quota).toBeGreaterThan(0);
    expect(refused()).toBe('');
  });

  it('hands on syslog as it is, and what the server refuses is in its error file with the reason', async () => {
    const token = await server.enrol('rs-1', hostname());
    const port = await freePort();
    start(`module(load="imtcp")\ninput(type="imtcp" address="127.0.0.1" port="${port}")\n${documented(token)}`);
    const send = (text: string) =>
      new Promise<void>((resolve, reject) => {
        const socket = connect(port, '127.0.0.1', () => socket.end(text, resolve));
        socket.on('error', reject);
      });
    await until(async () =>
      send('').then(
        () => true,
        () => false,
      ),
    );
    // As syslog writes it, an hour ago.
    const [, day, month, time] =
      new Date(Date.now() - 3_600_000).toUTCString().match(/, (\d\d) (\w+) \d+ ([\d:]+)/) ?? [];
    const stamp = `${month} ${day?.replace(/^0/, ' ')} ${time}`;
    const [record] = sampleLines('user_mgmt');
    await send(
      [
        `<13>${stamp} ${hostname()} app[7]: it's "quoted", \\ and äöü`,
        `<13>${stamp} ${hostname()} audispd: ${record}`,
        `<13>${stamp} ${hostname()} mallory: ${record}`,
        `<13>${stamp} db-1 audispd: ${record}`,
        '',
      ].join('\n'),
    );
    await until(async () => (await stored()).size >= 3 && refused() !== '');
    const events = [...(await stored('programname:app')).values()];
    expect(events[0]).toMatchObject({
      message: expect.stringContaining('it\'s "quoted", \\ and äöü'),
      severity: 'notice',
      host: { id: 'rs-1', name: hostname() },
    });
    expect((await stored('programname:mallory')).size).toBe(1);
    expect((await stored('event.module:auditd')).size).toBe(1);
    const { reply } = JSON.parse(refused().split('\n')[0] ?? '');
    expect(reply.items.at(-1)).toMatchObject({
      index: { status: 403, error: { reason: expect.stringContaining('db-1') } },
    });
  });

  it.each([
    ['one document a request', 'bulkmode="off"'],
    ['ids of its own', 'bulkmode="on" writeoperation="create" bulkid="own" dynbulkid="on"'],
    ['connections that it renews', 'bulkmode="on" rebindinterval="2"'],
    ['an index by template', 'bulkmode="on" searchIndex="own" dynSearchIndex="on"'],
    ['a pipeline, and what it may repeat', 'bulkmode="on" pipelinename="p" retryfailures="on" retryruleset="vedette"'],
  ])('writes with %s', async (_what, settings) => {
    const token = await server.enrol('rs-1', hostname());
    const changed = documented(token)
      .replace(
        'template(name=',
        'template(name="own" type="string" string="%programname%-%timereported:::date-rfc3339%-%msg:R,ERE,1:line (.*)--end%")\ntemplate(name=',
      )
      .replace(
        /searchIndex="syslog" searchType="" bulkmode="on"/,
        `${settings.includes('searchIndex') ? '' : 'searchIndex="syslog"'} searchType="" ${settings}`,
      );
    writeFileSync(join(folder, 'audit.log'), Array.from({ length: 30 }, (_, number) => `line ${number}\n`).join(''));
    start(changed);
    await until(async () => (await stored()).size === 30);
    expect(refused()).toBe('');
    if (settings.includes('bulkid')) expect([...(await stored()).keys()][0]).toMatch(/^rs-1\.x\.auditd-/);
  });
});
