// What one expression costs, beside the official engine in the same run: CPU per evaluation of what rules ask, on events as the
// collector writes them. Read once, evaluated often; the official engine's own parsing is not counted either.
import jsonata from 'jsonata';
import type { EventDocument } from '../event/document.ts';
import { compilePredicate } from '../rules/expression/compile.ts';
import { parseExpression } from '../rules/expression/parse.ts';
import type { ListValues } from '../rules/expression/syntax.ts';

const LISTS: ReadonlyMap<string, ListValues> = new Map([
  ['shells', ['sh', 'bash', 'dash', 'zsh', 'ksh']],
  ['servers', ['nginx', 'apache2', 'httpd', 'php-fpm']],
]);

/** What rules are made of, from the usual to the rare. */
const EXPRESSIONS: Readonly<Record<string, string>> = {
  'a field equals': 'event.action = "executed"',
  'two fields in lists': 'process.name in $shells and process.parent.name in $servers',
  'a member of an array': '"start" in event.type and "process" in event.category',
  'text within': '$contains(process.command_line, "/dev/tcp/") or $contains(process.command_line, "base64 -d")',
  'a regular expression': '$contains(process.command_line, /curl[^|]*\\|\\s*(ba)?sh/i)',
  'a predicate': 'auditd.paths[nametype = "CREATE" and $contains(name, "/etc/")].name',
  'arguments one by one': '$count(process.args[$ in ["-c", "-e", "-i"]]) > 0',
  'a function of its own': '$exists($filter(process.args, function($a){ $substringBefore($a, "=") = "LD_PRELOAD" }))',
  'variables and a chain': '($p := process.parent.name; ($p & "/" & process.name) ~> $lowercase() = "nginx/bash")',
  'sorting and grouping': '$count(auditd.paths^(name){nametype: $count(name)}.*) > 3',
};

function event(number: number): EventDocument {
  const isShell = number % 3 === 0;
  return {
    '@timestamp': '2026-03-01T10:00:00.000Z',
    event: { kind: 'event', category: ['process'], type: ['start'], action: 'executed', outcome: 'success' },
    host: { id: 'b3f1', name: 'web-3' },
    user: { id: '33', name: 'www-data' },
    process: {
      name: isShell ? 'bash' : 'php',
      pid: 4_000 + number,
      executable: '/usr/bin/php8.2',
      args: ['php', '-d', 'memory_limit=256M', '-f', `/srv/www/job-${number}.php`],
      command_line: `php -d memory_limit=256M -f /srv/www/job-${number}.php`,
      parent: { name: number % 5 === 0 ? 'nginx' : 'systemd', pid: 1 },
    },
    auditd: {
      paths: [
        { name: '/usr/bin/php8.2', nametype: 'NORMAL' },
        { name: '/etc/ld.so.cache', nametype: 'NORMAL' },
        { name: '/etc/cron.d/job', nametype: 'CREATE' },
      ],
    },
  };
}

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const events = Array.from({ length: 100 }, (_, number) => event(number));
  const rounds = isShort ? 300 : 3_000;
  const lines = ['| expression | µs, here | µs, official | ratio |', '|---|---|---|---|'];
  const ratios: number[] = [];
  for (const [name, source] of Object.entries(EXPRESSIONS)) {
    const ours = microsecondsHere(source, events, rounds);
    const official = await microsecondsOfficial(source, events, Math.ceil(rounds / 50));
    ratios.push(official / ours);
    lines.push(`| ${name} | ${ours.toFixed(3)} | ${official.toFixed(1)} | ${(official / ours).toFixed(0)} |`);
  }
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  lines.push(`geometric mean of the ratios: ${mean.toFixed(0)}, least ${Math.min(...ratios).toFixed(0)}`);
  return lines;
}

function microsecondsHere(source: string, events: readonly EventDocument[], rounds: number): number {
  const parsed = parseExpression(source, LISTS);
  if (parsed.kind === 'refused') throw new Error(`${source}: ${parsed.problems[0]?.message}`);
  const predicate = compilePredicate(parsed.expression);
  let matched = 0;
  const runAll = (): void => {
    for (const one of events) if (predicate(one, 0)) matched += 1;
  };
  for (let round = 0; round < rounds / 5; round += 1) runAll();
  const begin = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) runAll();
  return cpuMicroseconds(begin) / (rounds * events.length) + matched * 0;
}

async function microsecondsOfficial(source: string, events: readonly EventDocument[], rounds: number): Promise<number> {
  const engine = jsonata(source);
  const bindings = Object.fromEntries(LISTS);
  const runAll = async (): Promise<void> => {
    for (const one of events) await engine.evaluate(one, bindings);
  };
  await runAll();
  const begin = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) await runAll();
  return cpuMicroseconds(begin) / (rounds * events.length);
}

function cpuMicroseconds(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin);
  return user + system;
}
