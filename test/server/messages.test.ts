// What is sent beside single alerts, on a whole server with real stand-ins for Slack, a mail server and a webhook: one message for many
// alerts, over restarts; and what late events changed, as an answer to what was sent.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { listenHttp, listenSmtp } from '../alerts/loopback.ts';
import { eventually, execEvent, START_MS, ship, startTestServer, type TestServer } from './server-under-test.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function ruleText(id: string, words: string, alert: string): string {
  return `id: ${id}
name: Rule ${id}
description: For a test.
severity: high
match: process.name = "bash"
${words}
alert:
  title: "{{user.name}} on {{host.name}}"
  ${alert}
tests: []
`;
}

async function standIns() {
  const [slack, webhook, mail] = [await listenHttp(), await listenHttp(), await listenSmtp()];
  slack.answer({ body: '{"ok":true,"channel":"C1","ts":"1777.0042","message":{}}' });
  ends.push(slack.close, webhook.close, mail.close);
  const email = { host: '127.0.0.1', port: mail.port, secure: false, from: 'v@example.org', to: ['ops@example.org'] };
  return {
    channels: {
      slack: { token: 'xoxb-test', channel: '#alerts', apiUrl: slack.url },
      webhook: { url: webhook.url },
      email,
    },
    posts: () => slack.requests.map(({ body }) => new URLSearchParams(body)),
    hooks: () => webhook.requests.map(({ body }) => JSON.parse(body)),
    mails: () => mail.mails.map(({ source }) => source.replaceAll('=\r\n', '')),
  };
}

async function withRule(server: TestServer, id: string, text: string): Promise<void> {
  writeFileSync(join(server.rulesFolder, `${id}.yaml`), text);
  const { diagnostics } = await server.running.reloadRules();
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
}

const shell = (host: string, number: number, createdMs: number, user = 'eve') =>
  execEvent(host, number, { user, parent: 'sshd', createdMs });

const read = (server: TestServer, path: string) =>
  server.call('GET', path, { token: server.tokens.reader }).then(({ body }) => body);

describe('one message for many alerts', () => {
  it('holds the alerts of several hosts, leaves once over restarts, and is what a backtest makes', async () => {
    const { channels, posts, hooks, mails } = await standIns();
    let server = await startTestServer({ store: { kind: 'embedded' }, channels });
    const group = 'group: { for: 5m, table: [user.name] }';
    await withRule(server, 'shells', ruleText('shells', '', group));
    const [one, two] = [await server.enrol('web-1'), await server.enrol('web-2')];
    server.clock.ms = START_MS + 60_000;
    const atMs = START_MS + 10_000;
    const hostile = '<!channel> <img src=x> \u001b[2J';
    const events = [shell('web-1', 1, atMs), shell('web-1', 2, atMs + 20_000, hostile)];
    await ship(server, one, events, { position: 2, createdMs: atMs + 30_000 });
    server = await server.restart();
    ends.push(() => server.end());
    await ship(server, two, [shell('web-2', 1, atMs + 10_000)], { position: 1, createdMs: atMs + 30_000 });
    await ship(server, one, events, { position: 2, createdMs: atMs + 30_000 });
    const grouped = await eventually(async () => {
      const { alerts } = await read(server, '/api/v1/alerts?rule=shells');
      return alerts.length === 3 && alerts.every((alert: { group: unknown }) => alert.group !== 'waits')
        ? alerts
        : undefined;
    });
    const groupId = grouped[0].group.groupId;
    expect(grouped.map((alert: { group: { groupId: string } }) => alert.group.groupId)).toEqual([
      groupId,
      groupId,
      groupId,
    ]);
    expect(posts().length + hooks().length + mails().length).toBe(0);
    const { engine } = await read(server, '/api/v1/status');
    expect(engine.gathering).toEqual({ messages: 1, alerts: 3, nextMs: atMs + 300_000 });

    server = await server.restart();
    server.clock.ms = atMs + 400_000;
    for (const [host, token] of [
      ['web-1', one],
      ['web-2', two],
    ] as const) {
      const later = execEvent(host, 9, { name: 'ls', parent: 'sshd', createdMs: atMs + 390_000 });
      await ship(server, token, [later], { position: 9, createdMs: atMs + 390_000 });
    }
    await eventually(() => posts().length === 1 && hooks().length === 1 && mails().length === 1);
    expect(hooks()[0]).toMatchObject({
      kind: 'group',
      headline: '[HIGH] 3 alerts: Rule shells',
      command: `vedette alerts list --group ${groupId}`,
      group: {
        count: 3,
        fromMs: atMs,
        untilMs: atMs + 300_000,
        members: [{ hostId: 'web-1' }, { hostId: 'web-2' }, { hostId: 'web-1' }],
        table: { fields: ['user.name'], rows: [{ values: ['eve'], count: 2 }, { count: 1 }] },
      },
    });
    const [post] = posts();
    expect(post?.get('text')).toBe('[HIGH] 3 alerts: Rule shells');
    expect(JSON.parse(post?.get('blocks') ?? '')[1].elements[1]).toMatchObject({
      type: 'rich_text_list',
      elements: [{}, {}, {}],
    });
    expect(mails()[0]).toContain('<th align=3D"left" valign=3D"top">Host</th>');
    expect(mails()[0]?.split('text/html')[1]).not.toContain('<img');
    expect(mails()[0]).not.toContain('\u001b');

    const { alerts } = await read(server, `/api/v1/alerts?group=${groupId}`);
    expect(alerts).toHaveLength(3);
    const shown = await read(server, `/api/v1/alerts/${alerts[0].id}`);
    expect(shown.detections[0].why).toContain(`in the message of group ${groupId}, of the alerts until`);
    expect(shown.notifications.map(({ channel }: { channel: string }) => channel).sort()).toEqual([
      'email',
      'slack',
      'webhook',
    ]);
    const { body } = await server.call('POST', '/api/v1/backtest', {
      token: server.tokens.reader,
      body: { asItWas: true, sinceMs: START_MS - 1_000 },
    });
    expect(body).toMatchObject({ alertsTotal: 3, messages: 1, differences: { otherDecision: [], otherGroup: [] } });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(posts()).toHaveLength(1);
  });

  it('or the first at once and the rest together', async () => {
    const { channels, hooks } = await standIns();
    const server = await startTestServer({ channels });
    ends.push(() => server.end());
    await withRule(server, 'shells', ruleText('shells', '', 'group: { for: 5m, by: [host.id], first: send }'));
    const token = await server.enrol('web-1');
    server.clock.ms = START_MS + 500_000;
    const atMs = START_MS + 10_000;
    const events = [shell('web-1', 1, atMs), shell('web-1', 2, atMs + 1_000), shell('web-1', 3, atMs + 2_000)];
    await ship(server, token, events.slice(0, 1), { position: 1, createdMs: atMs + 500 });
    await eventually(() => hooks().length === 1);
    expect(hooks()[0]).toMatchObject({ kind: 'alert', alert: { title: 'eve on web-1-name' } });
    await ship(server, token, events.slice(1), { position: 3, createdMs: atMs + 400_000 });
    await eventually(() => hooks().length === 2);
    expect(hooks()[1]).toMatchObject({
      kind: 'group',
      headline: '[HIGH] 2 more alerts: Rule shells (web-1)',
      group: { count: 2 },
    });
  });
});

describe('what late events change', () => {
  it('is told once, as an answer to what was sent, and not of what was never sent', async () => {
    const { channels, posts, hooks, mails } = await standIns();
    const server = await startTestServer({ channels });
    ends.push(() => server.end());
    const silent = 'by: [user.name]\nabsence: { fewer_than: 1, within: 10s }';
    await withRule(server, 'silent', ruleText('silent', silent, 'include: [process.name]'));
    await withRule(server, 'unsent', ruleText('unsent', silent, 'to: []'));
    const [one, two] = [await server.enrol('web-1'), await server.enrol('web-2')];
    const atMs = START_MS + 1_000;
    server.clock.ms = atMs + 20_000;
    await ship(server, one, [shell('web-1', 1, atMs)], { position: 1, createdMs: atMs + 19_000 });
    await ship(server, two, [execEvent('web-2', 1, { name: 'ls', createdMs: atMs })], {
      position: 1,
      createdMs: atMs + 19_000,
    });
    await eventually(() => posts().length === 1 && hooks().length === 1 && mails().length === 1);

    const three = await server.enrol('web-3');
    await ship(server, three, [shell('web-3', 1, atMs + 5_000)], { position: 1, createdMs: atMs + 19_000 });
    const isFollowUp = ({ kind }: { kind: string }) => kind === 'follow-up';
    await eventually(() => hooks().some(isFollowUp) && posts().length === 3 && mails().length === 3);
    const told = hooks().filter(isFollowUp);
    expect(told).toMatchObject([
      {
        change: 'withdrawn',
        headline: '[HIGH] No longer holds: eve on web-1-name',
        because: [shell('web-3', 1, 0).id],
        alert: { ruleId: 'silent' },
      },
    ]);
    const answers = posts().filter((post) => post.has('thread_ts'));
    expect(answers.map((post) => [post.get('thread_ts'), post.get('text')])).toEqual([
      ['1777.0042', '[HIGH] No longer holds: eve on web-1-name'],
    ]);
    const [first = ''] = mails();
    const messageId = /^Message-ID: (.*)$/im.exec(first)?.[1]?.trim();
    const replies = mails().filter((mail) => /^In-Reply-To:/im.test(mail));
    expect(replies).toHaveLength(1);
    expect(replies[0]).toContain(`In-Reply-To: ${messageId}`);
    expect(replies[0]).toMatch(/^Subject: Re: Vedette \[HIGH\] eve on web-1-name/im);

    const { alerts } = await read(server, '/api/v1/alerts?rule=unsent');
    expect(alerts.some(({ withdrawn }: { withdrawn?: number }) => withdrawn === 1)).toBe(true);
    const shown = await read(server, `/api/v1/alerts/${told[0].alert.id}`);
    expect(shown.detections[0].why).toContain('it no longer holds, because of events that came late (web-3.');
    expect(shown.notifications.map(({ state }: { state: string }) => state)).toEqual(Array(6).fill('sent'));
  });
});
