// SigmaHQ's Linux rules on the real kernel, those that ask for more than a program: calls, files, connections, parents, what programs
// tell the kernel. Each is done (sigma-cases.ts) by a throw-away user in a folder of its own, and so is what differs in one thing, which
// no rule finds.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AlertsResponse } from '../../server/api.ts';
import {
  eventually,
  type Installation,
  makeInstallation,
  type RunningProcess,
  TEST_UID,
} from '../harness/installation.ts';
import { freePort } from '../harness/receivers.ts';
import { SIGMA_FOLDER } from '../rules/sigma/sigma-folder.ts';
import { type Case, casesOf, perform } from './sigma-cases.ts';

/** The numbers of calls below are those of x86-64. */
const IS_HERE = existsSync(SIGMA_FOLDER) && process.arch === 'x64';

/** What the default profile does not ask for: calls of single rules, and reading of ordinary files. */
const AUDIT_RULES = `-a always,exit -F arch=b64 -S personality -S syslog -F uid=${TEST_UID} -k sigma
-a always,exit -F arch=b64 -S open -S openat -F uid=${TEST_UID} -k sigma-files
-a always,exit -F arch=b64 -S connect -F saddr_fam=2 -F uid=${TEST_UID} -k network_connect_4
`;

describe.skipIf(!IS_HERE)('Sigma rules about calls, files and connections (skipped where they are not at hand)', () => {
  const work = mkdtempSync(join(tmpdir(), 'vedette-calls-'));
  const rulesFile = join(work, 'audit.rules');
  const servers: Server[] = [];
  let cases: readonly Case[] = [];
  let installation: Installation;
  let server: RunningProcess;
  let collector: RunningProcess;

  beforeAll(async () => {
    chmodSync(work, 0o755);
    writeFileSync(rulesFile, AUDIT_RULES);
    const port = await listening(servers);
    cases = casesOf({ work, port });
    const texts = cases.map(({ rule }) => [basename(rule), readFileSync(join(SIGMA_FOLDER, rule), 'utf8')] as const);
    installation = makeInstallation({
      port: await freePort(),
      rules: { ...Object.fromEntries(texts), 'last.yaml': LAST_RULE },
      shippedRules: false,
      collectorYaml: `  rules_files: ['${rulesFile}']`,
    });
    server = await installation.start('server');
    collector = await installation.start('collector');
  });

  afterAll(async () => {
    await collector?.stop();
    await server?.stop();
    installation?.remove();
    for (const one of servers) one.close();
    rmSync(work, { recursive: true, force: true });
  });

  const alerts = async (): Promise<AlertsResponse['alerts']> =>
    (await installation.api<AlertsResponse>('/alerts?limit=10000')).alerts;

  it('find nothing in what differs in one thing', async () => {
    for (const { notFound } of cases) for (const act of notFound) perform(work, act);
    perform(work, { program: 'last-of-all', copyOf: '/bin/true' });
    const seen = await eventually('the last event', async () => {
      const some = await alerts();
      return some.some(({ ruleId }) => ruleId === 'last-of-all') ? some : undefined;
    });
    const told = seen.map(({ ruleName, fields }) => `${ruleName} ${JSON.stringify(fields)}`);
    expect(told).toEqual([expect.stringMatching(/^The last of all /)]);
  });

  it('find what is done as they ask', async () => {
    for (const { found } of cases) perform(work, found);
    const ids = new Map(
      cases.map(({ rule }) => [rule, /^id: (\S+)/m.exec(readFileSync(join(SIGMA_FOLDER, rule), 'utf8'))?.[1]]),
    );
    const all = await eventually('an alert of each rule', async () => {
      const some = await alerts();
      const of = new Set(some.map(({ ruleId }) => ruleId));
      return [...ids.values()].every((id) => of.has(id ?? '')) ? some : undefined;
    });
    for (const { rule, found } of cases) {
      const own = all.filter(({ ruleId }) => ruleId === ids.get(rule));
      const programs = own.flatMap(({ fields }) =>
        fields.filter(({ name }) => name === 'process.executable').map(({ value }) => String(value)),
      );
      if (found.asRoot === undefined)
        expect(
          programs.some((path) => path.startsWith(`${work}/`) || path === found.program),
          rule,
        ).toBe(true);
    }
  });
});

const LAST_RULE = `id: last-of-all
name: The last of all
severity: low
match: event.action = "executed" and $endswith(process.executable, "/last-of-all")
`;

/** A listener on every address of loopback, so that connections to them are made. */
async function listening(servers: Server[]): Promise<number> {
  const first = createServer();
  servers.push(first);
  await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve));
  const { port } = first.address() as AddressInfo;
  const second = createServer();
  servers.push(second);
  await new Promise<void>((resolve, reject) => second.on('error', reject).listen(port, '127.0.0.2', resolve));
  return port;
}
