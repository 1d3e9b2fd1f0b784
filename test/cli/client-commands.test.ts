import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TABLE_FIELDS } from '../../cli/search/event-columns.ts';
import type { Alert, Detection } from '../../event/detection.ts';
import type {
  AlertResponse,
  BacktestResponse,
  HostsResponse,
  SearchApiResponse,
  StatusResponse,
} from '../../server/api.ts';
import { type ApiServer, openApiServer, type Reply } from './api-server.ts';
import { makeFolder, NOW_MS, runHere, type Said, type TestFolder } from './terminal.ts';

const HOUR_MS = 3_600_000;
let folder: TestFolder;
let server: ApiServer;
let reply: Reply;

beforeEach(async () => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'data', 'server'), { recursive: true });
  for (const role of ['reader', 'admin', 'importer']) {
    writeFileSync(join(folder.path, 'data', 'server', `${role}.token`), `${role}-token\n`);
  }
  server = await openApiServer(() => reply);
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

function ask(...words: readonly string[]): Promise<Said> {
  return runHere([...words, '--server', server.url], { cwd: folder.path });
}

const ALERT: Alert = {
  id: 'a1b2',
  ruleId: 'web-shell',
  ruleVersion: 'v1',
  ruleName: 'Web server spawned a shell',
  description: 'Typical of a web shell.',
  severity: 'high',
  risk: 73,
  mitre: ['T1505.003'],
  tags: [],
  references: [],
  runbook: undefined,
  to: undefined,
  suppressKey: '["h1"]',
  title: 'apache2 spawned bash on web1',
  fields: [{ name: 'process.command_line', value: 'bash -c \u001b[2Jid' }],
  hostId: 'h1',
  hostName: 'web1',
  firstEventId: 'h1.b.1.1.1',
  lastEventId: 'h1.b.1.2.1',
  timestampMs: NOW_MS - HOUR_MS,
  openedMs: NOW_MS - HOUR_MS,
  lastMs: NOW_MS,
  suppressedUntilMs: NOW_MS,
  growth: 0,
  count: 2,
  isLate: false,
  status: 'open',
};

describe('search', () => {
  const found: SearchApiResponse = {
    total: 3,
    isTotalExact: true,
    warnings: [],
    events: [
      {
        id: 'h1.b.2',
        document: {
          '@timestamp': '2026-05-01T09:59:59.000Z',
          host: { name: 'web1' },
          user: { name: 'root' },
          event: { action: 'connected-to' },
          process: { name: 'curl' },
          destination: { ip: '198.51.100.7', port: 443 },
        },
      },
      {
        id: 'h1.b.1',
        document: {
          '@timestamp': '2026-05-01T09:59:58.000Z',
          host: { name: 'web1' },
          user: { id: '33' },
          event: { action: 'executed' },
          process: { name: 'bash', command_line: "bash -c '\u001b]0;x\u0007id'" },
        },
      },
    ],
  };

  it('asks for the range and the limit, with the reader’s token, and prints the newest last', async () => {
    reply = { body: found };
    const said = await ask('search', 'process.name:*', '--since', '2h', '--limit', '2');
    expect(server.asked[0]).toMatchObject({ method: 'POST', path: '/api/v1/search', token: 'Bearer reader-token' });
    expect(JSON.parse(server.asked[0]?.body ?? '')).toEqual({
      query: 'process.name:*',
      sinceMs: NOW_MS - 2 * HOUR_MS,
      limit: 2,
      fields: TABLE_FIELDS,
    });
    expect(said).toEqual({
      code: 0,
      stdout: [
        'TIME (UTC)                HOST  USER  ACTION        PROCESS  WHAT',
        "2026-05-01T09:59:58.000Z  web1  33    executed      bash     bash -c '\\x1b]0;x\\x07id'",
        '2026-05-01T09:59:59.000Z  web1  root  connected-to  curl     198.51.100.7 port 443',
        '',
      ].join('\n'),
      stderr: '3 events since 2026-05-01T08:00:00.000Z; the newest 2 are shown (--limit)\n',
    });
  });

  it('prints the fields asked for, and the documents whole as JSON', async () => {
    reply = { body: found };
    expect((await ask('search', '*', '--fields', 'process.name,destination')).stdout).toBe(
      ['process.name  destination', 'bash          -', 'curl          {"ip":"198.51.100.7","port":443}', ''].join('\n'),
    );
    expect(JSON.parse((await ask('search', '*', '--json')).stdout)).toEqual(found);
  });

  it('tells what the server says is wrong with the query', async () => {
    reply = { status: 400, body: { error: { code: 'query/syntax', message: 'unclosed ( at 7', remedy: 'Close it.' } } };
    expect(await ask('search', 'a AND (')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'vedette: unclosed ( at 7 [query/syntax]\n  Close it.\n',
    });
  });
});

describe('alerts', () => {
  it('are listed with their filters', async () => {
    reply = { body: { alerts: [ALERT] } };
    const said = await ask('alerts', 'list', '--status', 'open', '--rule', 'web-shell', '--since', '1h');
    expect(server.asked[0]?.path).toBe(`/api/v1/alerts?since=${NOW_MS - HOUR_MS}&limit=50&status=open&rule=web-shell`);
    expect(said.stdout).toBe(
      [
        'OPENED (UTC)              ID    SEVERITY  STATUS  COUNT  TITLE',
        '2026-05-01T09:00:00.000Z  a1b2  high      open        2  apache2 spawned bash on web1',
        '',
      ].join('\n'),
    );
  });

  it('are listed with their groups where they have any, and asked for by group', async () => {
    const group = { groupId: '0group', fromMs: NOW_MS, untilMs: NOW_MS + 1, isSentAlone: false, isLate: false };
    reply = { body: { alerts: [{ ...ALERT, group }, { ...ALERT, group: 'waits' }, ALERT] } };
    const { stdout } = await ask('alerts', 'list', '--group', '0group');
    expect(server.asked[0]?.path).toContain('&group=0group');
    expect(stdout.split('\n').map((line) => line.split(/ {2,}/)[5])).toEqual([
      'GROUP',
      '0group',
      'waits',
      '-',
      undefined,
    ]);
  });

  it('are shown with everything that led to them, made safe to print', async () => {
    const body: AlertResponse = {
      alert: ALERT,
      detections: [],
      notifications: [
        {
          id: 'n1',
          channel: 'slack',
          reason: 'first notification',
          state: 'failed',
          attempts: 3,
          atMs: NOW_MS,
          error: 'no_such_channel',
        },
      ],
      event: { event: { original: 'type=SYSCALL msg=audit(1:1): a\ntype=EXECVE \u001b[2J' } },
    };
    reply = { body };
    const { stdout } = await ask('alerts', 'show', 'a1b2');
    expect(server.asked[0]?.path).toBe('/api/v1/alerts/a1b2');
    expect(stdout).toContain('apache2 spawned bash on web1\n\n  severity              high, risk 73\n');
    expect(stdout).toContain('  type=SYSCALL msg=audit(1:1): a\n  type=EXECVE \\x1b[2J\n');
    expect(stdout).toContain('first notification; no_such_channel');
    expect(stdout).not.toContain('\u001b');
  });

  it('are shown with their message, and with what was decided on each detection', async () => {
    const group = { groupId: '0group', fromMs: NOW_MS, untilMs: NOW_MS + 1_000, isSentAlone: false, isLate: false };
    const order = { createdMs: NOW_MS, hostId: 'h1', bootId: 'b', position: 1, id: 'e1' };
    const detection: AlertResponse['detections'][number] = {
      id: 'd1',
      ruleId: 'web-shell',
      ruleVersion: 'v1',
      eventId: 'e1',
      order,
      key: '[]',
      suppressKey: '[]',
      alertId: 'a1b2',
      decision: 'opened',
      isLate: false,
      why: 'opened alert a1b2; and \u001b[2J',
    };
    const alert = { ...ALERT, group };
    const body: AlertResponse = { alert, detections: [detection], notifications: [], event: undefined };
    reply = { body };
    const { stdout } = await ask('alerts', 'show', 'a1b2');
    expect(stdout).toContain('in the message of group 0group, of the alerts until 2026-05-01 10:00:01.000 UTC\n');
    expect(stdout).toContain('opened alert a1b2; and \\x1b[2J');
    expect(stdout).toContain('Its group\n  vedette alerts list --group 0group\n');
  });

  it('of rules on many events say which event is explained, and which came before it', async () => {
    const [last, first] = [ALERT.firstEventId, 'h1.b.1.0.1\u001b[2J'];
    const detection: Detection = {
      id: 'd1',
      ruleId: ALERT.ruleId,
      ruleVersion: 'v1',
      key: '["h1"]',
      suppressKey: '["h1"]',
      eventId: last,
      alertId: ALERT.id,
      order: { createdMs: NOW_MS, hostId: 'h1', bootId: 'b', position: 1, id: last },
      decision: 'opened',
      isLate: false,
      found: { eventIds: [first, last], firstMs: NOW_MS, facts: { count: 2 } },
    };
    const alert = { ...ALERT, description: '' };
    const explanation = ['✓ match'];
    reply = {
      body: {
        alert,
        detections: [detection],
        notifications: [],
        event: {},
        sentence: 'Alerts on bursts.',
        explanation,
      },
    };
    const { stdout } = await ask('alerts', 'show', 'a1b2');
    expect(stdout).toContain('a1b2\n\nWhy\n  Alerts on bursts.\n  The last of its events:\n    ✓ match\n');
    expect(stdout).toContain("\nEvents before it\n  vedette search --around 'h1.b.1.0.1\\x1b[2J'\n");
    expect(stdout).toContain(`${last} and 1 other`);
  });

  it('are acknowledged and closed with the admin’s token', async () => {
    reply = { body: ALERT };
    expect((await ask('alerts', 'ack', 'a1b2', 'c3/d4')).stdout).toBe('a1b2 is acknowledged\nc3/d4 is acknowledged\n');
    expect(server.asked.map(({ method, path, token, body }) => [method, path, token, body])).toEqual([
      ['POST', '/api/v1/alerts/a1b2/status', 'Bearer admin-token', '{"status":"acknowledged"}'],
      ['POST', '/api/v1/alerts/c3%2Fd4/status', 'Bearer admin-token', '{"status":"acknowledged"}'],
    ]);
    expect(JSON.parse((await ask('alerts', 'close', 'a1b2', '--json')).stdout)).toEqual({
      status: 'closed',
      alerts: ['a1b2'],
    });
  });
});

describe('hosts', () => {
  it('are listed with their state and what was refused of theirs', async () => {
    const body: HostsResponse = {
      hosts: [
        {
          id: 'h1',
          name: 'web1',
          firstSeenMs: 0,
          lastSeenMs: NOW_MS,
          progress: undefined,
          silentSinceMs: NOW_MS,
          isSignedOff: false,
          counters: { events: 12, rejected: 1, foreign_host: 2 },
          isRevoked: false,
          state: 'silent',
        },
      ],
    };
    reply = { body };
    expect((await ask('hosts')).stdout).toBe(
      [
        'HOST  ID  STATE   LAST SEEN (UTC)           EVENTS  REFUSED  NOTE',
        'web1  h1  silent  2026-05-01T10:00:00.000Z      12        3  silent since 2026-05-01T10:00:00.000Z',
        '',
      ].join('\n'),
    );
  });

  const status = (id: string, figures: unknown) => ({
    id: `${id}.1`,
    document: { '@timestamp': '2026-05-01T09:59:40.000Z', 'host.id': id, 'host.name': id, 'vedette.status': figures },
  });
  const answered = (events: readonly unknown[]) => (asked: { readonly path: string }) =>
    asked.path.endsWith('/search')
      ? { body: { total: events.length, isTotalExact: true, warnings: [], events } }
      : { body: { hosts: [] } };
  const figures = {
    cpu_percent: 0.41,
    rss_bytes: 67_108_864,
    spool_bytes: 1024,
    spool_oldest_age_ms: 4_200,
    events_per_second: 31,
    lost_at_least: 7,
    limits_level: 'full',
  };

  it('tell what their collectors cost and have lost, each by its last word', async () => {
    const told = await openApiServer(
      answered([
        status('b', figures),
        status('b', { ...figures, lost_at_least: 1 }),
        status('a', { limits_level: 'no-hashes' }),
      ]),
    );
    const said = await runHere(['hosts', '--server', told.url], { cwd: folder.path });
    expect(said.stdout).toBe(
      [
        '',
        'COLLECTOR ON     CPU  MEMORY  EVENTS/S  SPOOLED  OLDEST  LOST  NOTE',
        'a                  -       -         -        -       -     -  limits: no-hashes',
        'b             0.41 %  64 MiB        31    1 KiB     4 s     7',
        '',
      ].join('\n'),
    );
    expect(JSON.parse(told.asked[1]?.body ?? '')).toMatchObject({ query: 'event.dataset:vedette.status' });
    await told.close();
  });

  it('may say anything in their status: what is no figure is left out', async () => {
    const hostile = status('\u001b[2Jx', {
      cpu_percent: '9',
      rss_bytes: -1,
      spool_bytes: '1',
      lost_at_least: {},
      limits_level: ['x'],
    });
    const told = await openApiServer(answered([hostile, { id: '1', document: {} }, status('y', null)]));
    const said = await runHere(['hosts', '--server', told.url], { cwd: folder.path });
    expect(said.stdout.split('\n').slice(2, 4)).toEqual([
      expect.stringMatching(/2Jx +- +- +- +- +- +-$/),
      expect.stringMatching(/^y +- +- +- +- +- +-$/),
    ]);
    expect(said.stdout).not.toContain('\u001b');
    await told.close();
  });

  it('are revoked by the admin', async () => {
    reply = { body: { host_id: 'h1', isRevoked: true } };
    expect((await ask('hosts', 'revoke', 'h1')).stdout).toBe('h1 is revoked: its token is refused from now on\n');
    expect(server.asked[0]).toMatchObject({
      method: 'POST',
      path: '/api/v1/hosts/h1/revoke',
      token: 'Bearer admin-token',
    });
  });
});

describe('status', () => {
  const sound: StatusResponse = {
    version: '0.1.0',
    startedMs: NOW_MS,
    store: { kind: 'embedded', events: 1, bytes: 2048, oldestMs: undefined, newestMs: undefined, pending: 0 },
    engine: {
      rules: 2,
      pendingDetections: 0,
      eventsFolded: 1,
      behind: 0,
      lagMs: 0,
      health: [],
      cannotFire: [],
      quarantined: [],
    },
    outbox: { pending: 0, sent: 1, failed: 0 },
    holds: 0,
    channels: ['terminal'],
    diagnostics: [],
  };

  it('ends with 0 where all is well, and with 1 where something needs a person', async () => {
    reply = { body: sound };
    const said = await ask('status');
    expect(said.code).toBe(0);
    expect(said.stdout).toContain('store     embedded: 1 event, 2 KiB\n');
    reply = { body: { ...sound, outbox: { ...sound.outbox, failed: 1 } } };
    expect((await ask('status')).code).toBe(1);
  });

  it('shows broken rules with their places, and counts what lints remark', async () => {
    const place = { file: 'mine.yaml', line: 1, column: 1, sourceLine: 'id: mine', remedy: 'Mend it.' };
    const warning = { ...place, code: 'rule/tests', severity: 'warning', message: 'no tests' } as const;
    const error = { ...place, code: 'rule/unknown-key', severity: 'error', message: 'unknown key' } as const;
    reply = { body: { ...sound, diagnostics: [warning, error, warning] } };
    const { code, stdout } = await ask('status');
    expect(code).toBe(1);
    expect(stdout).toContain('\nmine.yaml:1:1: error: unknown key [rule/unknown-key]\n');
    expect(stdout).not.toContain('no tests');
    expect(stdout).toContain('\n2 warnings about rule files (vedette rules lint)\n');
  });

  it('sums up what the collectors cost and have lost', async () => {
    const figures = {
      cpu_percent: 12.5,
      rss_bytes: 1_048_576,
      spool_bytes: 2_048,
      lost_at_least: 2,
      limits_level: 'full',
    };
    const event = (name: string, more: object) => ({
      id: name,
      document: { 'host.id': name, 'host.name': name, 'vedette.status': { ...figures, ...more } },
    });
    const told = await openApiServer(({ path }) => ({
      body: path.endsWith('/search')
        ? {
            total: 2,
            isTotalExact: true,
            warnings: [],
            events: [event('a', {}), event('b', { cpu_percent: 0.5, limits_level: 'no-bulk' })],
          }
        : sound,
    }));
    const said = await runHere(['status', '--server', told.url], { cwd: folder.path });
    expect(said.stdout).toContain(
      'collectors  2 heard in 95 s; 13 % of a core in all, 13 % at most (a); 1 MiB of memory at most; 4 KiB spooled; 4 lost; 1 held back by limits\n',
    );
    await told.close();
  });
});

describe('backtest', () => {
  const nothing: BacktestResponse = {
    eventsRead: 10,
    isNarrowed: false,
    detections: 0,
    alerts: [],
    alertsTotal: 0,
    messages: 0,
    errors: 0,
    durationMs: 1234,
    isComplete: true,
    diagnostics: [],
  };

  it('sends the rule’s text, found by file or by id', async () => {
    reply = { body: nothing };
    writeFileSync(join(folder.path, 'mine.yaml'), 'id: mine\n');
    const said = await ask('backtest', 'mine.yaml', '--since', '24h');
    expect(said).toEqual({
      code: 0,
      stdout: '',
      stderr: '10 events since 2026-04-30T10:00:00.000Z: 0 detections, 0 alerts (1.2 s)\n',
    });
    await ask('backtest', 'web-server-spawned-shell', '--since', '24h');
    expect(server.asked.map(({ body }) => JSON.parse(body))).toEqual([
      { rule: { file: 'mine.yaml', text: 'id: mine\n' }, sinceMs: NOW_MS - 24 * HOUR_MS, limit: 50 },
      {
        rule: {
          file: expect.stringMatching(/rules\/library\/web-server-spawned-shell\.yaml$/),
          text: expect.stringContaining('id: web-server-spawned-shell'),
        },
        sinceMs: NOW_MS - 24 * HOUR_MS,
        limit: 50,
      },
    ]);
  });

  it('sends what stands beside the rule where the server has not got it', async () => {
    const rule = 'id: mine\nname: Mine\nseverity: low\nmatch: process.name in $own_shells\n';
    writeFileSync(join(folder.path, 'mine.yaml'), rule);
    mkdirSync(join(folder.path, 'lists'), { recursive: true });
    const list = 'name: own_shells\nowner: me\nreason: Ours.\nvalues: [mysh]\n';
    writeFileSync(join(folder.path, 'lists', 'own-shells.yaml'), list);
    const place = { file: 'mine.yaml', line: 4, column: 24, sourceLine: '', remedy: 'Mend it.' };
    const unknown = { ...place, code: 'expression/unknown-list', severity: 'error', message: 'unknown' } as const;
    const told = await openApiServer(({ body }) => ({
      body: body.includes('sources') ? nothing : { ...nothing, diagnostics: [unknown] },
    }));
    const said = await runHere(['backtest', 'mine.yaml', '--since', '24h', '--server', told.url], { cwd: folder.path });
    expect(said).toMatchObject({ code: 0, stdout: '' });
    const sent = JSON.parse(told.asked[1]?.body ?? '');
    expect(JSON.parse(sent.rule.sources[0])).toMatchObject({ text: rule, lists: { own_shells: ['mysh'] } });
    expect(sent.rule.beside).toEqual([]);
    await told.close();
  });

  it('says which rule cost too much', async () => {
    reply = { body: { ...nothing, tooCostly: ['mine'] } };
    writeFileSync(join(folder.path, 'mine.yaml'), 'id: mine\n');
    const { stderr } = await ask('backtest', 'mine.yaml', '--since', '24h');
    expect(stderr).toContain('vedette: mine cost more than a rule may, and was left out from then on');
  });

  it('proposes a rule for one that is not there', async () => {
    const said = await ask('backtest', 'web-server-spawned-shel');
    expect(said.code).toBe(2);
    expect(said.stderr).toContain('Did you mean `web-server-spawned-shell`?');
  });

  it('ends with 1 where the past as it was differs from what was found live', async () => {
    reply = {
      body: {
        ...nothing,
        differences: { onlyLive: [], onlyBacktest: ['d1'], otherDecision: [], explainedByLateness: [] },
      },
    };
    const said = await ask('backtest', '--as-it-was', '--since', '1h');
    expect(JSON.parse(server.asked[0]?.body ?? '')).toMatchObject({ asItWas: true });
    expect(said.code).toBe(1);
    expect(said.stdout).toBe('found now, not live: 1 detection\n  d1\n');
    const costly = {
      onlyLive: [],
      onlyBacktest: ['d1'],
      otherDecision: [],
      explainedByLateness: [],
      about: { d1: { ruleId: 'heavy', eventId: 'e\u001b1' } },
      quarantined: ['heavy'],
    };
    reply = { body: { ...nothing, differences: costly } };
    const named = await ask('backtest', '--as-it-was', '--since', '1h');
    expect(named.stdout).toMatch(
      /^ {2}d1 {2}rule heavy, event e\\x1b1\nrule heavy was quarantined: events from before/m,
    );
    const late = { onlyLive: [], onlyBacktest: [], otherDecision: ['d2'], explainedByLateness: ['d2'] };
    reply = { body: { ...nothing, differences: late } };
    expect((await ask('backtest', '--as-it-was')).code).toBe(0);
    const gap = { onlyLive: ['d1'], onlyBacktest: ['d2'], otherDecision: [], explainedByLateness: ['d1', 'd2'] };
    reply = { body: { ...nothing, differences: gap } };
    expect((await ask('backtest', '--as-it-was', '--since', '1h')).code).toBe(0);
    const equal = { onlyLive: [], onlyBacktest: [], otherDecision: [], explainedByLateness: [] };
    reply = { body: { ...nothing, differences: equal } };
    expect(await ask('backtest', '--as-it-was')).toMatchObject({
      code: 0,
      stdout: 'No difference from what was found live.\n',
    });
  });

  it('wants a rule or --as-it-was, not both', async () => {
    expect((await ask('backtest')).code).toBe(2);
    expect((await ask('backtest', 'x', '--as-it-was')).code).toBe(2);
  });
});

describe('a server that cannot be asked', () => {
  it('is said to be absent, with how to start one', async () => {
    await server.close();
    const said = await ask('status');
    expect(said.code).toBe(3);
    expect(said.stderr).toBe(
      `vedette: no server answers at ${server.url} [client/unreachable]\n  Start one with \`npm start\` (or \`vedette up\`), or name another by --server URL.\n`,
    );
    server = await openApiServer(() => reply);
  });

  it('is looked for where the running one of the data folder says it is', async () => {
    writeFileSync(
      join(folder.path, 'data', 'server', 'address.json'),
      JSON.stringify({ formatVersion: 1, url: server.url }),
    );
    reply = { body: { hosts: [] } };
    expect((await runHere(['hosts'], { cwd: folder.path })).stderr).toBe('0 hosts\n');
  });

  it.each([
    [
      401,
      { error: { code: 'unauthorized', message: 'token not known', remedy: 'Send a header.' } },
      3,
      'The reader token is not one that this server knows',
    ],
    [404, { error: { code: 'no-host', message: 'there is no such host', remedy: 'See hosts.' } }, 2, 'See hosts.'],
    [500, { error: { code: 'internal', message: 'failed', remedy: 'See the log.' } }, 3, 'See the log.'],
    [200, '<html>hello</html>', 3, 'does not speak Vedette’s API'],
    [502, '', 3, 'status 502'],
  ])('answers %i and is understood', async (status, body, code, words) => {
    reply = { status, body };
    const said = await ask('hosts');
    expect(said.code).toBe(code);
    expect(said.stderr).toContain(words);
    expect(said.stderr).not.toContain('reader-token');
  });

  it('is not asked without a token, and the token’s whereabouts are told', async () => {
    const said = await runHere(['hosts', '--server', server.url, '--data', 'elsewhere'], { cwd: folder.path });
    expect(said.code).toBe(3);
    expect(said.stderr).toContain(`${join(folder.path, 'elsewhere')}/server/reader.token does not exist`);
    expect(server.asked).toEqual([]);
  });

  it('gets the token of the environment where there is one', async () => {
    reply = { body: { hosts: [] } };
    await runHere(['hosts', '--server', server.url], { cwd: folder.path, env: { VEDETTE_TOKEN: 'other' } });
    expect(server.asked[0]?.token).toBe('Bearer other');
  });
});
