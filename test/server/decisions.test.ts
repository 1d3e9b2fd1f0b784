// What became of an event: each decision of each rule, with its reason, as it was at the event's time.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, execEvent, START_MS, ship, startTestServer, type TestServer } from './server-under-test.ts';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.end();
  server = undefined;
});

const rule = (id: string, words: string): string =>
  `id: ${id}\nname: Rule ${id}\nseverity: low\nmatch: process.name = "bash"\nby: [host.id]\n${words}\n`;
const RULES: Readonly<Record<string, string>> = {
  plain: '',
  held: 'alert: { suppress: { for: 10m } }',
  tried: 'status: test',
  off: 'status: off',
  many: 'threshold: { count: 3, within: 1m }',
  grouped: 'alert: { group: { for: 5m } }',
  excepted:
    'except: [{ match: \'user.name = "www-data"\', reason: "the nightly report", owner: "web team", expires: 2030-01-01 }]',
  over: 'except: [{ match: \'user.name = "www-data"\', reason: "was once", owner: "web team", expires: 2020-01-01 }]',
};

async function started(
  rules: Readonly<Record<string, string>>,
): Promise<{ readonly at: TestServer; readonly token: string }> {
  const at = await startTestServer();
  server = at;
  for (const [id, text] of Object.entries(rules)) writeFileSync(join(at.rulesFolder, `${id}.yaml`), text);
  const { diagnostics } = await at.running.reloadRules();
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  at.clock.ms += 60_000;
  return { at, token: await at.enrol('h1') };
}

async function decisionsOf(at: TestServer, eventId: string, ruleId?: string) {
  const query = new URLSearchParams({ event: eventId, ...(ruleId === undefined ? {} : { rule: ruleId }) });
  return at.call('GET', `/api/v1/decisions?${query}`, { token: at.tokens.reader });
}

describe('what became of an event', () => {
  it('is told for each rule that it matched, with the reason', async () => {
    const { at, token } = await started(
      Object.fromEntries(Object.entries(RULES).map(([id, words]) => [id, rule(id, words)])),
    );
    const [first, second, other] = [1, 2, 3].map((number) =>
      execEvent('h1', number, {
        parent: 'sshd',
        createdMs: START_MS + 10_000 + number,
        ...(number === 3 ? { name: 'ls' } : {}),
      }),
    );
    if (first === undefined || second === undefined || other === undefined) throw new Error('three events');
    await ship(at, token, [first, second, other], { position: 3, createdMs: START_MS + 20_000 });
    const decided = await eventually(async () => {
      const { body } = await decisionsOf(at, second.id);
      const isWaiting = JSON.stringify(body).includes('waits');
      return body.decisions?.length === 7 && !isWaiting ? body.decisions : undefined;
    });
    const byRule = Object.fromEntries(
      decided.map(({ ruleId, decision, why }: Record<string, string>) => [ruleId, `${decision}: ${why}`]),
    );
    expect(byRule).toEqual({
      plain: expect.stringMatching(/^opened: opened alert \w+$/),
      held: expect.stringMatching(
        /^joined: suppressed: joined alert \w+, which holds its key until 2026-03-01 12:10:10.001 UTC$/,
      ),
      tried: 'test: kept and not sent: the rule is in status test',
      many: `counted: it counts for the rule, and completed nothing: \`vedette explain many --event ${second.id}\` says how far its window came`,
      grouped: expect.stringMatching(
        /^opened: opened alert \w+; in the message of group \w+, of the alerts until 2026-03-01 12:05:10.001 UTC$/,
      ),
      excepted: 'excepted: It matches, and is hidden by the exception of “the nightly report” (web team).',
      over: expect.stringMatching(/^opened: /),
    });
    const { body: one } = await decisionsOf(at, first.id, 'held');
    expect(one.decisions).toMatchObject([{ ruleId: 'held', decision: 'opened', alertId: expect.any(String) }]);
    expect((await decisionsOf(at, other.id)).body).toEqual({ decisions: [] });
    expect((await decisionsOf(at, 'nowhere')).status).toBe(404);
    expect((await at.call('GET', '/api/v1/decisions', { token: at.tokens.reader })).status).toBe(400);
    expect((await at.call('GET', `/api/v1/decisions?event=${first.id}`)).status).toBe(401);

    // The exception is taken out: what was hidden stays explained by the rule of its time.
    writeFileSync(join(at.rulesFolder, 'excepted.yaml'), rule('excepted', ''));
    at.clock.ms += 1_000;
    await at.running.reloadRules();
    const { body: before } = await decisionsOf(at, first.id, 'excepted');
    expect(before.decisions).toMatchObject([{ decision: 'excepted' }]);
  });

  it('says that a rule was quarantined, since when and why', async () => {
    const evil = 'process.args[$count($$.process.args[$ != "x"]) > 0]';
    const text = `id: evil\nname: An evil rule\nseverity: high\nmatch: $count(${evil}) = 1\nby: [host.id]\n`;
    const { at, token } = await started({ evil: text });
    const execOf = (number: number, args: readonly string[]) => {
      const { id, document } = execEvent('h1', number, { createdMs: START_MS + 20_000 + number });
      return { id, document: { ...document, process: { ...(document['process'] as object), args } } };
    };
    const costly = Array.from({ length: 2_100 }, (_, place) => `-a${place}`);
    const events = Array.from({ length: 30 }, (_, place) => execOf(place + 1, costly));
    await ship(at, token, events, { position: 30, createdMs: START_MS + 21_000 });
    await eventually(async () => {
      const { body } = await at.call('GET', '/api/v1/status', { token: at.tokens.reader });
      return body.engine.quarantined.length === 1;
    });
    const cheap = execOf(40, ['y']);
    await ship(at, token, [cheap], { position: 40, createdMs: START_MS + 22_000 });
    const { body } = await eventually(async () => {
      const answer = await decisionsOf(at, cheap.id, 'evil');
      return answer.status === 200 ? answer : undefined;
    });
    expect(body.decisions).toMatchObject([
      {
        decision: 'quarantined',
        why: expect.stringMatching(
          /^not judged: the rule was quarantined from events of host h1 since 2026-.*: its expressions cost/,
        ),
      },
    ]);
  });
});
