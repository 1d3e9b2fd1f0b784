// Engines of their own on a real Elasticsearch: three processes share out the rules of a server, one is killed under load, one is stopped
// and comes back; and what they find together, and gather into messages, is what one batch run finds and gathers.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AlertGroup, Grouped } from '../../event/detection.ts';
import type { GroupStatus } from '../../server/shared/engine-replica.ts';
import { type ElasticsearchNode, startElasticsearch } from '../elasticsearch/node.ts';
import { execEvent, START_MS, ship, startTestServer, statusesOf, type TestServer } from './server-under-test.ts';

let node: ElasticsearchNode;
const servers: TestServer[] = [];
const engines: TestEngine[] = [];
beforeAll(async () => {
  node = await startElasticsearch();
});
afterEach(async () => {
  for (const engine of engines.splice(0)) engine.end('SIGKILL');
  for (const server of servers.splice(0)) await server.end();
  const indices = (await (await fetch(`${node.url}/_cat/indices/vedette-events*?h=index`)).text()).split(/\s+/);
  for (const index of indices) if (index !== '') await fetch(`${node.url}/${index}`, { method: 'DELETE' });
});
afterAll(() => node?.stop());

interface TestEngine {
  readonly pid: number;
  /** Ids of the alerts that it printed by themselves. */
  readonly printed: string[];
  /** Its messages of groups: the group's id, and the ids of the alerts that it names. */
  readonly groups: { readonly id: string; readonly alertIds: readonly string[] }[];
  readonly said: string[];
  end(signal: NodeJS.Signals): void;
  exited(): Promise<unknown>;
}

function startEngineProcess(): TestEngine {
  const main = join(import.meta.dirname, '../../cli/main.ts');
  const child: ChildProcess = spawn(process.execPath, [main, 'engine', '--json'], {
    env: { ...process.env, VEDETTE_STORE_ELASTICSEARCH_NODE: node.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [printed, groups, said]: [string[], TestEngine['groups'], string[]] = [[], [], []];
  const lines = (stream: typeof child.stdout, each: (line: string) => void): void => {
    if (stream !== null) createInterface({ input: stream }).on('line', each);
  };
  lines(child.stdout, (line) => {
    const { alert, group } = JSON.parse(line) as { alert?: { id: string }; group?: AlertGroup };
    if (group !== undefined) groups.push({ id: group.id, alertIds: group.members.map(({ alertId }) => alertId) });
    else if (alert !== undefined) printed.push(alert.id);
  });
  lines(child.stderr, (line) => said.push(line));
  const engine: TestEngine = {
    pid: child.pid ?? 0,
    printed,
    groups,
    said,
    end: (signal) => void child.kill(signal),
    exited: async () => child.exitCode ?? child.signalCode ?? (await once(child, 'exit')),
  };
  engines.push(engine);
  return engine;
}

const RULES: Readonly<Record<string, string>> = {
  'many-shells': `
threshold: { count: 20, within: 5s }
by: [user.name]`,
  'many-users': `
distinct: { field: user.name, above: 3, within: 4s }
by: [host.id]`,
  'bash-then-zsh': `
sequence:
  within: 3s
  steps:
    - { match: 'process.name = "bash"' }
    - { match: 'process.name = "zsh"' }
by: [host.id]`,
  'shells-and-users': `
together: { rules: [many-shells, many-users], within: 1m }`,
};

/** Rules that gather their alerts: over all hosts, so over whatever a group's owner before left of it. */
const GROUPS: Readonly<Record<string, string>> = {
  'bash-then-zsh': '{ for: 12s, table: [host.id] }',
  'many-users': '{ for: 12s, first: send }',
};

function textOf(id: string, words: string): string {
  const hasMatch = !/together|sequence/.test(words);
  return `id: ${id}
name: ${id}
description: For a test.
severity: low
${hasMatch ? 'match: event.action = "executed"' : ''}${words}
alert:
  title: "${id}: {{count}} {{user.name}}"
  suppress: { for: 4s }
${GROUPS[id] === undefined ? '' : `  group: ${GROUPS[id]}`}
tests: []
`;
}

async function startServer(): Promise<TestServer> {
  const server = await startTestServer({
    store: { kind: 'elasticsearch', node: node.url },
    sharing: { groups: 4 },
  });
  servers.push(server);
  for (const [id, words] of Object.entries(RULES))
    writeFileSync(join(server.rulesFolder, `${id}.yaml`), textOf(id, words));
  const { diagnostics } = await server.running.reloadRules();
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return server;
}

const groupsOf = async (server: TestServer): Promise<readonly GroupStatus[]> =>
  (await server.call('GET', '/api/v1/status', { token: server.tokens.reader })).body.engine.groups;

async function until<T>(what: string, claim: () => Promise<T | undefined>): Promise<T> {
  for (const giveUp = performance.now() + 300_000; performance.now() < giveUp; ) {
    const value = await claim();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never came true: ${what}; ${engines.map(({ said }) => said.join(' | ')).join('\n')}`);
}

/** Every group is held, by so many processes, none of which is among those that are gone. */
const untilHeld = (server: TestServer, by: number, gone: readonly TestEngine[] = []) =>
  until(`all groups held by ${by}`, async () => {
    const groups = await groupsOf(server);
    const owners = new Set(groups.map(({ owner }) => owner));
    const isAway = groups.some(({ owner }) => gone.some(({ pid }) => owner?.includes(`-${pid}-`)));
    return owners.has(null) || isAway || owners.size !== by ? undefined : groups;
  });

const HOSTS = ['web-1', 'web-2', 'web-3'];
const PER_SECOND = 10;

/** Ships steadily while `work` goes on, a second of event time at a time; then what makes everything settle. */
async function shipWhile(server: TestServer, work: () => Promise<void>): Promise<number> {
  const tokens = await Promise.all(HOSTS.map((host) => server.enrol(host)));
  let [second, isOver, sent] = [0, false, 0];
  const working = work().finally(() => {
    isOver = true;
  });
  const shipSecond = async (): Promise<void> => {
    server.clock.ms = START_MS + (second + 1) * 1_000;
    for (const [at, host] of HOSTS.entries()) {
      const events = Array.from({ length: PER_SECOND }, (_, nth) => {
        const number = second * PER_SECOND + nth + 1;
        const name = (number * 7 + at) % 11 === 0 ? 'zsh' : 'bash';
        const user = `u${(number * (at + 3) + second) % 6}`;
        return execEvent(host, number, { createdMs: START_MS + second * 1_000 + nth * 100, name, user });
      });
      const progress = { position: (second + 1) * PER_SECOND, createdMs: START_MS + (second + 1) * 1_000 };
      const answer = await ship(server, tokens[at] ?? '', events, progress);
      expect(new Set(statusesOf(answer))).toEqual(new Set([201]));
      sent += events.length;
    }
    second += 1;
  };
  while (!isOver) {
    await shipSecond();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await working;
  for (let more = 0; more < 20; more += 1) await shipSecond();
  server.clock.ms += 1_000;
  return sent;
}

/** The backtest of all that was sent, beside what was found live, once everything is settled. */
const settled = (server: TestServer, sent: number) =>
  until('everything is settled', async () => {
    const { body } = await server.call('POST', '/api/v1/backtest', {
      token: server.tokens.reader,
      body: { asItWas: true, sinceMs: START_MS - 60_000 },
    });
    return body.eventsRead === sent ? body : undefined;
  });

describe('engines that share the rules of a server', () => {
  it('find together what one run finds, though one is killed and one sleeps', async () => {
    const server = await startServer();
    const [first, second, third] = [startEngineProcess(), startEngineProcess(), startEngineProcess()];
    await untilHeld(server, 3);
    const took: number[] = [];
    const sent = await shipWhile(server, async () => {
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      await until('the victim holds a group', async () =>
        (await groupsOf(server)).find(({ owner }) => owner?.includes(`-${first.pid}-`)),
      );
      let beganMs = performance.now();
      first.end('SIGKILL');
      await untilHeld(server, 2, [first]);
      took.push(performance.now() - beganMs);
      beganMs = performance.now();
      second.end('SIGSTOP');
      await untilHeld(server, 1, [first, second]);
      took.push(performance.now() - beganMs);
      second.end('SIGCONT');
      await until('the one that slept notices', async () =>
        second.said.some((line) => line.includes('was taken over by another process')) ? true : undefined,
      );
      await untilHeld(server, 2, [first]);
    });
    console.log(`taken over after ${took.map((ms) => `${(ms / 1_000).toFixed(1)} s`).join(' and ')}, ${sent} events`);
    const asItWas = await settled(server, sent);
    expect(asItWas).toMatchObject({
      eventsRead: sent,
      differences: { onlyLive: [], onlyBacktest: [], otherDecision: [], otherGroup: [] },
    });
    const { body } = await server.call('GET', '/api/v1/alerts?limit=1000', { token: server.tokens.reader });
    expect(new Set(body.alerts.map(({ ruleId }: { ruleId: string }) => ruleId))).toEqual(
      new Set(['web-server-spawns-shell', ...Object.keys(RULES)]),
    );
    const alerts: readonly { id: string; group?: 'waits' | Omit<Grouped, 'alertId'> }[] = body.alerts;
    const processes = [first, second, third];
    const messages = () => new Map(processes.flatMap(({ groups }) => groups).map(({ id, alertIds }) => [id, alertIds]));
    const alone = () => processes.flatMap(({ printed }) => printed);
    const isOver = ({ group }: (typeof alerts)[number]): boolean =>
      group !== 'waits' && (group === undefined || group.untilMs < server.clock.ms - 5_000);
    const due = alerts.filter(isOver);
    await until('everything that is over is told', async () => {
      const told = new Set([...alone(), ...[...messages().values()].flat()]);
      return due.every(({ id }) => told.has(id)) ? true : undefined;
    });
    const gathered = [...messages().values()].flat();
    expect(new Set(gathered).size).toBe(gathered.length);
    expect(gathered.filter((id) => alone().includes(id))).toEqual([]);
    const ids = new Set(alerts.map(({ id }) => id));
    expect([...alone(), ...gathered].filter((id) => !ids.has(id))).toEqual([]);
    for (const { id, group } of due)
      if (typeof group === 'object') expect([...(messages().get(group.groupId) ?? []), ...alone()]).toContain(id);
    expect([...messages().values()].some(({ length }) => length > 1)).toBe(true);
  });
});
