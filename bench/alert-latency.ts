// The time from the exec to the alert's arrival: apache2 runs bash on the real kernel, a Slack-like server on loopback notes when
// it is told. The whole way: kernel, collector, spool, HTTP, store, engine, outbox, channel.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../test/harness/c-program.ts';
import { eventually, makeInstallation } from '../test/harness/installation.ts';
import { freePort, startSlack } from '../test/harness/receivers.ts';
import { spawnBash } from '../test/scenario/spawner.ts';

const RULE = `
id: bench-web-shell
name: Web server spawned a shell (benchmark)
description: One alert a directory.
severity: high
match: '"start" in event.type and process.name in $shells and process.parent.name in $web_servers'
by: [host.id, process.working_directory]
alert:
  title: "shell in {{process.working_directory}}"
  suppress: { for: 1h }
`;

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const runs = isShort ? 50 : 300;
  const work = mkdtempSync(join(tmpdir(), 'vedette-bench-'));
  chmodSync(work, 0o755);
  compile('scenario/spawner.c', join(work, 'apache2'));
  const slack = await startSlack();
  const installation = makeInstallation({
    port: await freePort(),
    rules: { 'bench-web-shell.yaml': RULE },
    alertsYaml: `  slack:\n    channel: C1\n    api_url: http://127.0.0.1:${slack.port}/api/`,
    environment: { VEDETTE_SLACK_TOKEN: 'xoxb-bench' },
  });
  const server = await installation.start('server');
  const collector = await installation.start('collector');
  try {
    const directories = Array.from({ length: runs }, (_, index) => join(work, `d${index}-`));
    for (const directory of directories) mkdirSync(directory, { mode: 0o755 });
    const begun = await spawnBash(join(work, 'apache2'), directories, 50);
    const arrival = (directory: string) =>
      slack.received.find((message) => message.text.includes(`shell in ${directory}`))?.atMs;
    await eventually('all alerts', () =>
      directories.every((directory) => arrival(directory) !== undefined) ? true : undefined,
    );
    const delays = directories
      .map((directory) => (arrival(directory) ?? 0) - (begun.get(directory) ?? 0))
      .sort((a, b) => a - b);
    const at = (share: number) =>
      (delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? 0).toFixed(0);
    return [
      `exec to Slack, ${runs} runs: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, greatest ${at(1)} ms`,
    ];
  } finally {
    await collector.stop();
    await server.stop();
    await slack.close();
    installation.remove();
    rmSync(work, { recursive: true, force: true });
  }
}
