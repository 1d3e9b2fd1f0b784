// `vedette rules health`: how each rule fares on the server, and one rule in full.
import type { RuleApiRecord, RulesResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, type Invocation, isGiven, printJson } from '../command.ts';
import { EXIT, fail } from '../failure.ts';
import { counted, isoTime, renderPairs, renderTable } from '../table.ts';

const COLUMNS = [
  { title: 'RULE', widthMax: 40 },
  { title: 'EVALUATED', align: 'right' },
  { title: 'MATCHED', align: 'right' },
  { title: 'ERRORS', align: 'right' },
  { title: 'µS', align: 'right' },
  { title: 'CPU', align: 'right' },
  { title: 'LAST MATCH (UTC)' },
  { title: 'NOTE' },
] as const;

export const rulesHealth: Command = {
  name: 'rules health',
  synopsis: '[RULE] [--notes]',
  description:
    'Shows how the rules in force fare: evaluations, matches, errors, what one evaluation costs (µs) and all of them did (CPU), the last match, and what wants a look: quarantined, failing, or needing fields that no event has had. The dearest rules come first. With RULE, all of that one. Exit code 1 when a rule that is shown is quarantined or fails on events.',
  positionals: { least: 0, most: 1 },
  options: { notes: { description: 'Only the rules that want a look.' }, ...CLIENT_OPTIONS },
  examples: [
    ['vedette rules health', 'All rules, the dearest first.'],
    ['vedette rules health reverse-shell', 'Everything about one.'],
    ['vedette rules health --notes --json', 'For a check of yours.'],
  ],
  async run(invocation) {
    const client = await openClient(invocation, 'reader');
    if (!client.isOk) return client.failure;
    const answer = await client.value.get<RulesResponse>('/api/v1/rules');
    if (!answer.isOk) return answer.failure;
    const [asked] = invocation.positionals;
    const rules = answer.value.rules
      .filter(
        ({ id, notes }) => (asked === undefined || id === asked) && (!isGiven(invocation, 'notes') || notes.length > 0),
      )
      .toSorted((a, b) => (b.health?.cpuUs ?? -1) - (a.health?.cpuUs ?? -1) || (a.id < b.id ? -1 : 1));
    const [only] = rules;
    if (asked !== undefined && !answer.value.rules.some(({ id }) => id === asked)) {
      const message = 'no rule of this id is in force';
      const remedy = '`vedette rules health` lists them.';
      return fail('rules/unknown', { message, remedy, exitCode: EXIT.usage }).failure;
    }
    if (invocation.isJson) printJson(invocation, { rules });
    else if (asked !== undefined && only !== undefined) printOne(invocation, only);
    else printAll(invocation, rules);
    return rules.some(needsPerson) ? EXIT.findings : EXIT.fine;
  },
};

/** Not what merely never fired. */
function needsPerson({ health, quarantines }: RuleApiRecord): boolean {
  return (health?.errors ?? 0) > 0 || quarantines.some(({ untilMs }) => untilMs === undefined);
}

function printAll({ context: { stdout, stderr } }: Invocation, rules: readonly RuleApiRecord[]): void {
  const rows = rules.map(({ id, status, health, notes }) => [
    id,
    health === undefined ? '-' : String(health.evaluations),
    health === undefined ? '-' : String(health.matches),
    health === undefined ? '-' : String(health.errors),
    microseconds(health),
    health === undefined ? '-' : seconds(health.cpuUs),
    isoTime(health?.lastMatchMs),
    [...(status === 'stable' ? [] : [status]), ...notes].join('; '),
  ]);
  if (rows.length > 0) stdout.write(renderTable(COLUMNS, rows, stdout.columns));
  const noted = rules.filter(({ notes }) => notes.length > 0).length;
  stderr.write(`${counted(rows.length, 'rule')}, ${noted === 0 ? 'none' : noted} with a note\n`);
}

function printOne({ context: { stdout } }: Invocation, rule: RuleApiRecord): void {
  const { health } = rule;
  const pairs: (readonly [string, string])[] = [
    ['rule', `${rule.id}, version ${rule.version}`],
    ['name', rule.name],
    ['kind', `${rule.kind}, ${rule.severity}, ${rule.status}`],
    ['file', rule.file],
  ];
  if (health !== undefined) {
    pairs.push(
      ['counted', `since ${isoTime(health.sinceMs)}`],
      ['evaluated', counted(health.evaluations, 'event')],
      ['matched', `${health.matches}, the last at ${isoTime(health.lastMatchMs)}; ${health.excepted} excepted`],
      [
        'errors',
        health.lastError === undefined ? String(health.errors) : `${health.errors}, the last: ${health.lastError}`,
      ],
      ['cost', `${microseconds(health)} µs an evaluation, ${seconds(health.cpuUs)} in all, ${fuel(health)}`],
      ['late', `${health.late} late, ${health.forced} before their time, ${health.evicted} keys forgotten`],
      ['unjudged', counted(health.unjudged, 'event')],
    );
  }
  for (const { hostId, fromMs, untilMs, reason, released } of rule.quarantines) {
    const whose = hostId === undefined ? '' : ` for host ${hostId}`;
    const end = released === undefined ? '' : `, released by ${released.by}, up to ${isoTime(untilMs)}`;
    pairs.push(['quarantined', `from ${isoTime(fromMs)}${whose}: ${reason}${end}`]);
  }
  for (const note of rule.notes) pairs.push(['note', note]);
  stdout.write(`${renderPairs(pairs, '')}\n`);
}

function fuel({ fuel, evaluations }: NonNullable<RuleApiRecord['health']>): string {
  return `${evaluations === 0 ? 0 : Math.round(fuel / evaluations)} units of fuel an evaluation`;
}

function microseconds(health: RuleApiRecord['health']): string {
  if (health === undefined || health.evaluations === 0 || health.cpuUs === 0) return '-';
  return String(Number((health.cpuUs / health.evaluations).toPrecision(2)));
}

function seconds(us: number): string {
  return us < 1_000_000 ? `${Number((us / 1_000).toPrecision(3))} ms` : `${Number((us / 1_000_000).toPrecision(3))} s`;
}
