// `vedette backtest`: a rule over the stored past, by the server that has it; or the past itself again, compared with what was
// found live.
import { resolve } from 'node:path';
import { type Diagnostic, formatDiagnostic, visible } from '../../rules/diagnostic.ts';
import type { Rule } from '../../rules/rule.ts';
import type { BacktestRequest, BacktestResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient, wholeNumber } from '../client.ts';
import { type Command, type Invocation, isGiven, optionValue, printJson } from '../command.ts';
import { loadConfig, readText } from '../config.ts';
import { EXIT, type ExitCode, type Failure, type Outcome, succeed } from '../failure.ts';
import { findRuleFile } from '../find-rule.ts';
import { archiveFailure, archivesAmong } from '../import/archive-import.ts';
import { usage } from '../options.ts';
import { readAskedRules } from '../rule-paths.ts';
import { ruleFoldersOf } from '../server-settings.ts';
import { counted, isoTime, renderTable } from '../table.ts';
import { RANGE_OPTIONS, type Range, readRange } from '../time-range.ts';

const LIMIT = { least: 1, most: 10_000, otherwise: 50 };
const TIMEOUT_MS = 30 * 60_000;
const RULE_BYTES_MAX = 256 * 1024;
const DIFFERENCES_SHOWN = 20;
const COLUMNS = [
  { title: 'WHEN (UTC)' },
  { title: 'SEVERITY' },
  { title: 'COUNT', align: 'right' },
  { title: 'TITLE' },
] as const;

export const backtest: Command = {
  name: 'backtest',
  synopsis: 'RULE --since 24h | --as-it-was --since 24h',
  description:
    'Runs RULE (a file, or the id of a rule in use) over the stored events of a time range, through the same code that runs live, suppression included, and prints the alerts it would have made. Nothing is sent.\nWith --as-it-was: all rules as they were in force then; prints where the result differs from what was found live. Exit code 1 when it does for another reason than lateness, or when the rule is broken.',
  positionals: { least: 0, most: 1 },
  options: {
    ...RANGE_OPTIONS,
    'as-it-was': { description: 'All rules as they were in force at the time, compared with what was found live.' },
    archive: {
      value: 'FOLDER',
      description: 'Run it here, over an archive of `vedette export`; all of it without --since.',
    },
    limit: { value: 'N', description: `Print at most so many alerts; 1 to ${LIMIT.most}, else ${LIMIT.otherwise}.` },
    ...CLIENT_OPTIONS,
  },
  examples: [
    ['vedette backtest my-rules/web-shell.yaml --since 24h', 'What would this rule have found since yesterday?'],
    ['vedette backtest web-server-spawned-shell --since 7d', 'The same with a rule in use, by its id.'],
    ['vedette backtest my-rules/web-shell.yaml --archive web-7-may', 'Over what was exported; needs no server.'],
    ['vedette backtest --as-it-was --since 24h', 'Was what was found live exact?'],
  ],
  async run(invocation) {
    const range = readRange(invocation, '24h');
    if (!range.isOk) return range.failure;
    const limit = wholeNumber(invocation, 'limit', LIMIT);
    if (!limit.isOk) return limit.failure;
    const subject = await readSubject(invocation);
    if (!subject.isOk) return subject.failure;
    const { sinceMs, untilMs } = range.value;
    const folder = optionValue(invocation, 'archive');
    if (folder !== undefined)
      return overArchive(invocation, { folder, ...subject.value, ...range.value, limit: limit.value });
    const client = await openClient(invocation, 'reader');
    if (!client.isOk) return client.failure;
    const request: BacktestRequest = {
      ...subject.value,
      sinceMs,
      limit: limit.value,
      ...(untilMs === undefined ? {} : { untilMs }),
    };
    const ask = (asked: BacktestRequest): Promise<Outcome<BacktestResponse>> =>
      client.value.post<BacktestResponse>('/api/v1/backtest', asked, { timeoutMs: TIMEOUT_MS });
    let answer = await ask(request);
    if (answer.isOk && request.rule !== undefined && answer.value.diagnostics.some(isUnknownName)) {
      const here = await withNamesOfHere(invocation, request.rule);
      if (here !== undefined) answer = await ask({ ...request, rule: here });
    }
    if (!answer.isOk) return answer.failure;
    if (invocation.isJson) printJson(invocation, answer.value);
    else print(invocation, answer.value, sinceMs);
    const { differences, diagnostics } = answer.value;
    const isBroken = diagnostics.some(({ severity }) => severity === 'error');
    return isBroken || (differences !== undefined && isUnexplained(differences)) ? EXIT.findings : EXIT.fine;
  },
};

const isUnknownName = ({ code }: Diagnostic): boolean =>
  code === 'expression/unknown-list' || code === 'rule/unknown-rule';

/** The rules with lists, macros and rules that stand beside them here; undefined where they are broken here too. */
async function withNamesOfHere(
  invocation: Invocation,
  { file, text }: NonNullable<BacktestRequest['rule']>,
): Promise<BacktestRequest['rule'] | undefined> {
  const read = await readAskedRules(invocation, [file]);
  if (!read.isOk || read.value.diagnostics.some(({ severity }) => severity === 'error')) return undefined;
  const { rules, known } = read.value;
  const { withNamed } = await import('../../backtest/rule-tests.ts');
  const ids = new Set(rules.map(({ id }) => id));
  const beside = rules.flatMap((rule) => withNamed(rule, known)).filter(({ id }) => !ids.has(id));
  const sourcesOf = (of: readonly Rule[]): readonly string[] => of.map(({ sourceJson }) => sourceJson);
  return { file, text, sources: sourcesOf(rules), beside: sourcesOf([...new Set(beside)]) };
}

/** The same over an archive, in this process. */
async function overArchive(
  invocation: Invocation,
  asked: Pick<BacktestRequest, 'rule'> & Range & { readonly folder: string; readonly limit: number },
): Promise<ExitCode | Failure> {
  const { folder, rule, limit } = asked;
  if (rule === undefined) return usage(backtest, '--archive needs a RULE', 'Name a file or a rule’s id.').failure;
  const config = await loadConfig(invocation);
  if (!config.isOk) return config.failure;
  const found = await archivesAmong([folder]);
  if (!found.isOk) return found.failure;
  const archive = found.value[0]?.archive;
  if (archive === undefined)
    return usage(backtest, `${folder} is no archive`, 'Name a folder of `vedette export`.').failure;
  const { backtestArchive } = await import('../archive/archive-backtest.ts');
  const fromMs = isGiven(invocation, 'since') ? asked.sinceMs : archive.sinceMs;
  const untilMs = asked.untilMs ?? archive.untilMs;
  const { now } = invocation.context;
  const ruleFolders = ruleFoldersOf(config.value);
  try {
    const run = { folder, archive, rule, ruleFolders, range: { fromMs, untilMs }, limit, now };
    const answer = await backtestArchive(run);
    if (invocation.isJson) printJson(invocation, answer);
    else print(invocation, answer, fromMs);
    return answer.diagnostics.some(({ severity }) => severity === 'error') ? EXIT.findings : EXIT.fine;
  } catch (error) {
    return archiveFailure(folder, error);
  }
}

async function readSubject(invocation: Invocation): Promise<Outcome<Pick<BacktestRequest, 'rule' | 'asItWas'>>> {
  const [name] = invocation.positionals;
  if (isGiven(invocation, 'as-it-was')) {
    if (name === undefined) return succeed({ asItWas: true });
    return usage(backtest, '--as-it-was takes no RULE: it runs all of them', 'Leave one of the two out.');
  }
  if (name === undefined) return usage(backtest, 'no RULE', 'Name a file or a rule’s id, or use --as-it-was.');
  const path = await findRuleFile(invocation, name);
  if (!path.isOk) return path;
  const text = await readText(path.value, RULE_BYTES_MAX);
  return text.isOk
    ? succeed({
        rule: { file: path.value === resolve(invocation.context.cwd, name) ? name : path.value, text: text.value },
      })
    : text;
}

function print(invocation: Invocation, answer: BacktestResponse, sinceMs: number): void {
  const { stdout, stderr } = invocation.context;
  for (const diagnostic of answer.diagnostics) stdout.write(`${formatDiagnostic(diagnostic)}\n\n`);
  const rows = answer.alerts.map(({ timestampMs, severity, count, title }) => [
    isoTime(timestampMs),
    severity,
    String(count),
    title,
  ]);
  if (rows.length > 0) stdout.write(renderTable(COLUMNS, rows, stdout.columns));
  if (answer.differences !== undefined) printDifferences(invocation, answer.differences);
  const shown = answer.alertsTotal > rows.length ? `; ${rows.length} are shown (--limit)` : '';
  const errors = answer.errors === 0 ? '' : `; ${counted(answer.errors, 'evaluation')} failed`;
  const cut = answer.isComplete
    ? ''
    : 'not whole (cut short by the server’s time limit, or an archive that was interrupted), of what was read: ';
  const which = answer.isNarrowed ? ' that a rule may match,' : '';
  const read = `${cut}${counted(answer.eventsRead, 'event')}${which} since ${isoTime(sinceMs)}`;
  const messages = answer.messages === answer.alertsTotal ? '' : ` in ${counted(answer.messages, 'message')}`;
  const found = `${counted(answer.detections, 'detection')}, ${counted(answer.alertsTotal, 'alert')}${messages}`;
  stderr.write(`${read}: ${found}${shown}${errors} (${(answer.durationMs / 1000).toFixed(1)} s)\n`);
  const { tooCostly = [] } = answer;
  if (tooCostly.length > 0)
    stderr.write(
      `vedette: ${tooCostly.map(visible).join(', ')} cost more than a rule may, and was left out from then on, as it would be live.\n`,
    );
}

type Differences = NonNullable<BacktestResponse['differences']>;

/** What came late was decided before it came: live could not do otherwise. */
function isUnexplained(differences: Differences): boolean {
  const { onlyLive, onlyBacktest, otherDecision, explainedByLateness, otherGroup = [] } = differences;
  const explained = new Set(explainedByLateness);
  return otherGroup.length > 0 || [...onlyLive, ...onlyBacktest, ...otherDecision].some((id) => !explained.has(id));
}

function printDifferences(invocation: Invocation, differences: Differences): void {
  const { stdout } = invocation.context;
  const lists = [
    ['found live, not again', differences.onlyLive],
    ['found now, not live', differences.onlyBacktest],
    ['decided otherwise (opened or joined)', differences.otherDecision],
    ['of these, explained by events that came late', differences.explainedByLateness],
  ] as const;
  const { otherGroup = [], about = {}, quarantined = [] } = differences;
  if (lists.every(([, ids]) => ids.length === 0) && otherGroup.length === 0) {
    stdout.write('No difference from what was found live.\n');
    return;
  }
  for (const [title, ids] of lists) {
    if (ids.length === 0) continue;
    stdout.write(`${title}: ${counted(ids.length, 'detection')}\n`);
    for (const id of ids.slice(0, DIFFERENCES_SHOWN)) {
      const known = Object.hasOwn(about, id) ? about[id] : undefined;
      const of = known === undefined ? '' : `  rule ${known.ruleId}, event ${known.eventId}`;
      stdout.write(`  ${visible(`${id}${of}`)}\n`);
    }
    if (ids.length > DIFFERENCES_SHOWN) stdout.write(`  and ${ids.length - DIFFERENCES_SHOWN} more (--json)\n`);
  }
  for (const id of quarantined) {
    const why =
      'events from before its quarantine that came once it was in force were left out live, to save their cost';
    stdout.write(`rule ${visible(id)} was quarantined: ${why}\n`);
  }
  if (otherGroup.length === 0) return;
  stdout.write(`in another message: ${counted(otherGroup.length, 'alert')}\n`);
  for (const id of otherGroup.slice(0, DIFFERENCES_SHOWN)) stdout.write(`  ${visible(id)}\n`);
}
