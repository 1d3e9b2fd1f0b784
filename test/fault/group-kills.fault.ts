// Groups through kills -9 of the server at random moments: every alert is in exactly one message, each message leaves with the same
// content however often it is sent, and a backtest makes the same ones. Needs neither root nor the audit socket.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import type { AlertGroup } from '../../event/detection.ts';
import { formatProgress, PROGRESS_HEADER } from '../../event/progress.ts';
import type { AlertsResponse, StatusResponse } from '../../server/api.ts';
import { closedPort, listenHttp } from '../alerts/loopback.ts';
import { eventually, type Installation, makeInstallation, type RunningProcess } from '../harness/installation.ts';
import { randomFrom } from '../harness/random.ts';
import { BOOT_ID, bulkOf, execEvent } from '../server/server-under-test.ts';

const HOSTS = ['web-1', 'web-2'] as const;
const ROUNDS = 60;
const KILLS = 12;
const RULE = `id: shells
name: A shell
severity: low
match: process.name = "bash"
alert:
  title: "{{user.name}} on {{host.name}}"
  suppress: { for: 1s, by: [user.name] }
  group: { for: 2s, table: [user.name] }
`;

const ends: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Message {
  readonly id: string;
  readonly kind: string;
  readonly group: AlertGroup;
}

it('every alert is in one message, which is the same however often it is sent', async () => {
  const seed = Number(process.env['VEDETTE_SEED'] ?? Date.now() % 1_000_000);
  const startedMs = Date.now();
  const random = randomFrom(seed);
  const webhook = await listenHttp();
  ends.push(webhook.close);
  const installation = makeInstallation({
    port: await closedPort(),
    shippedRules: false,
    alertsYaml: `  webhook: { url: '${webhook.url}' }`,
  });
  ends.push(installation.remove);
  writeFileSync(join(installation.folder, 'rules', 'shells.yaml'), RULE);
  let server: RunningProcess = await installation.start('server');
  ends.push(() => server.kill());
  const tokens = new Map<string, string>();
  for (const host of HOSTS) tokens.set(host, await enrolled(installation, host));
  const killAt = new Set(Array.from({ length: KILLS }, () => Math.floor(random() * ROUNDS)));

  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const host of HOSTS) {
      const name = round % 3 === 0 ? 'ls' : 'bash';
      const user = `user ${Math.floor(random() * 4)}`;
      const event = execEvent(host, round, { name, user, parent: 'sshd', createdMs: Date.now() });
      await shipped(installation, host, tokens, { event, round });
    }
    if (killAt.has(round)) {
      await sleep(random() * 60);
      await server.kill();
      server = await installation.start('server');
    } else await sleep(60);
  }
  await sleep(2_500);
  for (const host of HOSTS) {
    const event = execEvent(host, ROUNDS + 1, { name: 'ls', parent: 'sshd', createdMs: Date.now() });
    await shipped(installation, host, tokens, { event, round: ROUNDS + 1 });
  }
  const messages = (): readonly Message[] => webhook.requests.map(({ body }) => JSON.parse(body));
  const alerts = await eventually('the engine to have read all, and no alert to wait for its group', async () => {
    const { engine } = await installation.api<StatusResponse>('/status');
    if (engine.behind > 0 || engine.pendingDetections > 0) return undefined;
    const all = (await installation.api<AlertsResponse>('/alerts?limit=1000')).alerts;
    return all.every(({ group }) => typeof group === 'object') ? all : undefined;
  });
  const groups = new Set(alerts.map(({ group }) => (typeof group === 'object' ? group.groupId : '')));
  await eventually('a message of each group', () => {
    const sent = new Set(messages().map(({ id }) => id));
    return sent.size >= groups.size ? true : undefined;
  });

  const byId = new Map<string, string>();
  let sentAgain = 0;
  for (const message of messages()) {
    const content = createHash('sha256').update(JSON.stringify(message)).digest('hex');
    if (byId.has(message.id)) sentAgain += 1;
    expect(byId.get(message.id) ?? content, `seed ${seed}`).toBe(content);
    byId.set(message.id, content);
  }
  const once = [...new Map(messages().map((message) => [message.id, message])).values()];
  expect(once.every(({ kind, group }) => kind === 'group' && group.lateFor === undefined)).toBe(true);
  const told = once.flatMap(({ group }) => group.members.map(({ alertId }) => alertId));
  expect(told.toSorted(), `seed ${seed}`).toEqual(alerts.map(({ id }) => id).toSorted());
  expect(once.length).toBeGreaterThan(1);
  const asked = { asItWas: true, sinceMs: startedMs - 60_000 };
  const { messages: again, differences } = await installation.api<{ messages: number; differences: object }>(
    '/backtest',
    asked,
  );
  expect(differences).toMatchObject({ onlyLive: [], onlyBacktest: [], otherDecision: [], otherGroup: [] });
  expect(again).toBe(once.length);
  process.stdout.write(
    `${alerts.length} alerts in ${once.length} messages through ${killAt.size} kills, ${sentAgain} sent again; seed ${seed}\n`,
  );
});

async function enrolled({ url, dataFolder }: Installation, id: string): Promise<string> {
  const secret = readFileSync(join(dataFolder, 'server', 'enrollment.secret'), 'utf8').trim();
  const body = JSON.stringify({ enrollment_secret: secret, host: { id, name: id } });
  const answer = await fetch(`${url}/api/v1/enroll`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return ((await answer.json()) as { token: string }).token;
}

/** As a collector does: until it is acknowledged. */
async function shipped(
  { url }: Installation,
  host: string,
  tokens: ReadonlyMap<string, string>,
  { event, round }: { readonly event: ReturnType<typeof execEvent>; readonly round: number },
): Promise<void> {
  const createdMs = Date.parse(String((event.document['event'] as { created: string }).created));
  const answer = await fetch(`${url}/_bulk`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokens.get(host)}`,
      'content-type': 'application/x-ndjson',
      'content-encoding': 'gzip',
      [PROGRESS_HEADER]: formatProgress({ bootId: BOOT_ID, position: round, createdMs }),
    },
    body: gzipSync(bulkOf([event])),
  });
  expect(answer.status).toBe(200);
}
