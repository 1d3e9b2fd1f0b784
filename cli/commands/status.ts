// `vedette status`: how the server is doing; exit code 1 when something needs a person.
import { formatDiagnostic } from '../../rules/diagnostic.ts';
import type { StatusResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { collectorCosts, costsInOneLine } from '../collector-costs.ts';
import { type Command, type Invocation, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';
import { counted, formatBytes, isoTime, renderPairs, renderTable } from '../table.ts';

/** Rules with failures that are listed. */
const RULES_SHOWN = 20;
/** Rules that cannot fire and are named. */
const CANNOT_FIRE_SHOWN = 3;
/** A rule group without a sign for so long is taken over, or nobody is there to do it. */
const QUIET_MS = 10_000;

type SharedGroup = NonNullable<StatusResponse['engine']['groups']>[number];

export const status: Command = {
  name: 'status',
  synopsis: '',
  description:
    'Shows how the server is doing: store, rules, what waits, what failed, what the collectors cost. Exit code 1 when a rule file is broken, a rule fails on events or is quarantined, a notification could not be sent, or nobody evaluates a rule group.',
  positionals: { least: 0, most: 0 },
  options: { ...CLIENT_OPTIONS },
  examples: [
    ['vedette status', 'For people.'],
    ['vedette status --json', 'For a check of yours.'],
  ],
  async run(invocation) {
    const client = await openClient(invocation, 'reader');
    if (!client.isOk) return client.failure;
    const answer = await client.value.get<StatusResponse>('/api/v1/status');
    if (!answer.isOk) return answer.failure;
    const costs = await collectorCosts(client.value, invocation.context.now());
    if (invocation.isJson)
      printJson(invocation, { ...answer.value, collectors: costs.isOk ? costs.value.collectors : [] });
    else {
      const collectors = costs.isOk ? costsInOneLine(costs.value) : 'the store does not say';
      print(invocation, { url: client.value.url, answer: answer.value, collectors });
    }
    const { diagnostics, engine, outbox } = answer.value;
    const isSound =
      !diagnostics.some(({ severity }) => severity === 'error') &&
      !engine.health.some(({ errors }) => errors > 0) &&
      engine.quarantined.length === 0 &&
      !(engine.groups ?? []).some(({ owner, quietMs }) => owner === null || quietMs >= QUIET_MS) &&
      answer.value.store.damaged === undefined &&
      outbox.failed === 0;
    return isSound ? EXIT.fine : EXIT.findings;
  },
};

function damagedInWords({ damaged = [] }: StatusResponse['store']): string {
  if (damaged.length === 0) return 'nothing';
  const events = damaged.reduce((sum, partition) => sum + partition.events, 0);
  return `${damaged.map(({ name }) => name).join(', ')}: ${counted(events, 'event')} missing from every answer (vedette store check)`;
}

function cannotFireInWords(ids: readonly string[]): string {
  const named = `${ids.slice(0, CANNOT_FIRE_SHOWN).join(', ')}${ids.length > CANNOT_FIRE_SHOWN ? ', …' : ''}`;
  return `${counted(ids.length, 'rule')} for want of a field: ${named} (vedette rules health --notes)`;
}

/** Where it is behind, what it is busy with. */
function behindInWords({ behind, lagMs, costliest }: StatusResponse['engine']): string {
  if (behind === 0) return '0 behind';
  const rule =
    costliest === undefined
      ? ''
      : `, mostly with ${costliest.ruleId} (${Math.round(costliest.share * 100)} % of a core)`;
  return `${behind} behind, by ${Math.round(lagMs / 1_000)} s${rule}`;
}

/** Messages of rules that group. */
function gatheringInWords({ messages, alerts, nextMs }: NonNullable<StatusResponse['engine']['gathering']>): string {
  return `${counted(alerts, 'alert')} in ${counted(messages, 'message')}, the next leaves at ${isoTime(nextMs)}`;
}

/** A rule group of engines elsewhere. */
function groupInWords({ owner, quietMs, rules, eventsFolded, pending }: SharedGroup): string {
  const sign = quietMs >= QUIET_MS ? `, no sign for ${Math.round(quietMs / 1_000)} s` : '';
  const who = owner === null ? 'nobody evaluates it (vedette engine)' : `evaluated by ${owner}`;
  return `${counted(rules, 'rule')}, ${who}${sign}; ${counted(eventsFolded, 'event')}, ${pending} waiting`;
}

function print(
  invocation: Invocation,
  {
    url,
    answer,
    collectors,
  }: { readonly url: string; readonly answer: StatusResponse; readonly collectors: string | undefined },
): void {
  const { stdout } = invocation.context;
  const { store, engine, outbox } = answer;
  const span = store.oldestMs === undefined ? '' : `, ${isoTime(store.oldestMs)} to ${isoTime(store.newestMs)}`;
  const pairs = [
    ['server', `${url}, version ${answer.version}, since ${isoTime(answer.startedMs)}`],
    ['store', `${store.kind}: ${counted(store.events, 'event')}, ${formatBytes(store.bytes)}${span}`],
    [
      'engine',
      `${counted(engine.rules, 'rule')}, ${counted(engine.eventsFolded, 'event')} evaluated, ${behindInWords(engine)}`,
    ],
    ...(engine.groups ?? []).map((group) => [`group ${group.group}`, groupInWords(group)] as const),
    ...engine.quarantined.map(({ ruleId, hostId, reason }) => {
      const whose = hostId === undefined ? '' : ` for host ${hostId}`;
      return ['quarantined', `${ruleId}${whose}: ${reason} (vedette rules release)`] as const;
    }),
    ...(engine.cannotFire.length === 0 ? [] : [['cannot fire', cannotFireInWords(engine.cannotFire)] as const]),
    ['waiting', `${counted(engine.pendingDetections, 'detection')} for their host’s progress`],
    ...(engine.gathering === undefined ? [] : [['gathering', gatheringInWords(engine.gathering)] as const]),
    ['sent', `${outbox.sent} sent, ${outbox.pending} waiting, ${outbox.failed} failed`],
    ['damaged', damagedInWords(store)],
    ['held', answer.holds === 0 ? 'nothing' : `${counted(answer.holds, 'hold')} in force (vedette hold list)`],
    ['channels', answer.channels.join(', ') || 'none'],
    ...(collectors === undefined ? [] : [['collectors', collectors] as const]),
  ] as const;
  stdout.write(`${renderPairs(pairs, '')}\n`);
  const failing = engine.health.filter(({ errors }) => errors > 0).slice(0, RULES_SHOWN);
  if (failing.length > 0) {
    const columns = [{ title: 'FAILING RULE' }, { title: 'ERRORS', align: 'right' as const }, { title: 'LAST' }];
    const rows = failing.map((rule) => [rule.ruleId, String(rule.errors), rule.lastError ?? '']);
    stdout.write(`\n${renderTable(columns, rows, stdout.columns)}`);
  }
  const errors = answer.diagnostics.filter(({ severity }) => severity === 'error');
  for (const diagnostic of errors) stdout.write(`\n${formatDiagnostic(diagnostic)}\n`);
  const warnings = answer.diagnostics.length - errors.length;
  if (warnings > 0) stdout.write(`\n${counted(warnings, 'warning')} about rule files (vedette rules lint)\n`);
}
