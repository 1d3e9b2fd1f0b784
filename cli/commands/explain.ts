// `vedette explain`: why a rule matches an event or does not, and how far a rule on many events came.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { explainTogether } from '../../backtest/explain-together.ts';
import { type ExplainedKey, explainWindow, keysOfEvent } from '../../backtest/explain-window.ts';
import { keyOf } from '../../engine/key.ts';
import type { NewEvent } from '../../event/document.ts';
import { orderKeyOf } from '../../event/order.ts';
import { visible } from '../../rules/diagnostic.ts';
import { explainRule } from '../../rules/explain/explain-rule.ts';
import { explanationLines, verdictLine } from '../../rules/explain/explanation-text.ts';
import { type RuleTrees, treesOf } from '../../rules/explain/rule-trees.ts';
import { ruleSentence } from '../../rules/explain/sentence.ts';
import type { Rule } from '../../rules/rule.ts';
import type { AlertsResponse, DecisionApiRecord, DecisionsResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, type Client, openClient } from '../client.ts';
import { type Command, type Invocation, isGiven, optionValue, printJson } from '../command.ts';
import { fetchEvent, readEvents } from '../explained-events.ts';
import { EXIT, type ExitCode, type Failure, fail, type Outcome, succeed } from '../failure.ts';
import { findRuleFile } from '../find-rule.ts';
import { askLiveWindows, printLiveWindows } from '../live-windows.ts';
import { usage } from '../options.ts';
import { readAskedRules } from '../rule-paths.ts';
import { counted, isoTime } from '../table.ts';
import { RANGE_OPTIONS, readRange } from '../time-range.ts';
import { scanEvents } from '../window-scan.ts';

/** Events of a file that are explained one by one. */
const EVENTS_SHOWN = 20;
const KEYS_SHOWN = 10;

export const explain: Command = {
  name: 'explain',
  synopsis: 'RULE --event ID|FILE | RULE [--key VALUE,…] [--since 1h] | --event ID',
  description:
    'Says why RULE (a file, or the id of a rule in use) matches an event or does not: each clause with its answer, the values that it saw and how near it came, then exceptions and suppression. --event takes the id of a stored event, or a file with events (JSON, one a line). Of a rule on many events it also says how far its window came: for the key of the event; without --event as the server has it now, for --key or the keys seen last; with --since over the stored events. Without RULE it says what became of a stored event: what each rule that it matched decided, and why.',
  positionals: { least: 0, most: 1 },
  options: {
    event: { value: 'ID|FILE', description: 'The event: an id, or a file of JSON documents.' },
    key: { value: 'VALUES', description: 'Values of the rule’s `by`, with commas between; or as JSON.' },
    ...RANGE_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: [
    ['vedette explain web-server-spawned-shell --event EVENT-ID', 'Why did this event (not) alert?'],
    ['vedette explain --event EVENT-ID', 'What did all the rules make of it?'],
    ['vedette explain my-rules/web-shell.yaml --event event.json', 'The same of a file, without a server.'],
    ['vedette explain brute-force --key web1,root', 'How far is its window of this host and user now?'],
    ['vedette explain brute-force --since 1h --key web1,root', 'How many did it count in the last hour?'],
  ],
  async run(invocation) {
    if (invocation.positionals.length === 0) return explainDecisions(invocation);
    const read = await readOneRule(invocation);
    if (!read.isOk) return read.failure;
    const { rule, known } = read.value;
    const eventOption = optionValue(invocation, 'event');
    if (eventOption !== undefined) return explainEvents(invocation, rule, treesOf(rule), eventOption);
    if (rule.kind.kind === 'single')
      return usage(explain, `\`${rule.id}\` is about single events`, 'Name one: --event ID or --event FILE.').failure;
    return explainPast(invocation, rule, known);
  },
};

async function readOneRule(
  invocation: Invocation,
): Promise<Outcome<{ readonly rule: Rule; readonly known: readonly Rule[] }>> {
  const name = invocation.positionals[0] ?? '';
  const file = await findRuleFile(invocation, name);
  if (!file.isOk) return file;
  const read = await readAskedRules(invocation, [file.value]);
  if (!read.isOk) return read;
  const { rules, known, diagnostics } = read.value;
  const rule = rules.find(({ id }) => id === name) ?? rules[0];
  if (rule !== undefined) return succeed({ rule, known });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const told = fail('explain/broken-rule', {
    message: 'the rule cannot be read',
    remedy: 'Mend what is told above, then ask again.',
    exitCode: EXIT.findings,
  });
  return { ...told, failure: { ...told.failure, diagnostics: errors } };
}

async function explainEvents(
  invocation: Invocation,
  rule: Rule,
  trees: RuleTrees,
  named: string,
): Promise<ExitCode | Failure> {
  const path = resolve(invocation.context.cwd, named);
  const isFile = await stat(path).then(
    (status) => status.isFile(),
    () => false,
  );
  const client = isFile ? undefined : await openClient(invocation, 'reader');
  if (client !== undefined && !client.isOk) return client.failure;
  const events = client === undefined ? await readEvents(path) : await fetchEvent(client.value, named);
  if (!events.isOk) return events.failure;
  const explained = events.value
    .slice(0, EVENTS_SHOWN)
    .map((event) => ({ event, explanation: explainRule(rule, trees, event.document) }));
  const decisions = client === undefined ? [] : await decisionsOf(client.value, named, rule.id);
  const suppression =
    client === undefined || decisions.length > 0 ? undefined : await suppressionOf(client.value, rule, events.value[0]);
  const windows =
    rule.kind.kind === 'single' ? undefined : await windowsOfEvents(invocation, rule, events.value, client?.value);
  if (windows !== undefined && !windows.isOk) return windows.failure;
  const keys = windows?.value;
  if (invocation.isJson) {
    printJson(invocation, {
      rule: { id: rule.id, version: rule.version, sentence: ruleSentence(rule, trees) },
      events: explained.map(({ event, explanation }) => ({
        id: event.id,
        ...explanation,
        decided: verdictLine(explanation),
      })),
      ...(decisions.length === 0 ? {} : { decisions }),
      ...(suppression === undefined ? {} : { suppression }),
      ...(keys === undefined ? {} : { keys }),
    });
    return EXIT.fine;
  }
  const { stdout, stderr } = invocation.context;
  stdout.write(`${visible(`${rule.id}: ${ruleSentence(rule, trees)}`)}\n`);
  for (const { event, explanation } of explained) {
    stdout.write(`\n${visible(`event ${event.id}: ${verdictLine(explanation)}`)}\n`);
    for (const line of explanationLines(explanation)) stdout.write(`  ${visible(line)}\n`);
    if (rule.by.length > 0) stdout.write(`  key: ${visible(keyOf(event.document, rule.by))}\n`);
  }
  for (const { why } of decisions) stdout.write(`  ${visible(why)}\n`);
  if (suppression !== undefined) stdout.write(`  ${visible(suppression)}\n`);
  if (keys !== undefined) printKeys(invocation, rule, keys);
  const left = events.value.length - explained.length;
  if (left > 0) stderr.write(`${counted(left, 'further event')} of the file ${left === 1 ? 'is' : 'are'} not shown\n`);
  return EXIT.fine;
}

/** What is stored of what the rule decided on the event, and what hides it. */
async function decisionsOf(client: Client, event: string, rule: string): Promise<readonly DecisionApiRecord[]> {
  const query = new URLSearchParams({ event, rule });
  const answer = await client.get<DecisionsResponse>(`/api/v1/decisions?${query}`);
  // Of an exception the explanation itself says all.
  return answer.isOk ? answer.value.decisions.filter(({ decision }) => !isExplained.has(decision)) : [];
}

const isExplained: ReadonlySet<DecisionApiRecord['decision']> = new Set(['excepted', 'counted', 'unknown']);

/** What became of a stored event, over all rules. */
async function explainDecisions(invocation: Invocation): Promise<ExitCode | Failure> {
  const event = optionValue(invocation, 'event');
  if (event === undefined)
    return usage(explain, 'neither RULE nor --event', 'Name a rule, or a stored event: --event ID.').failure;
  const client = await openClient(invocation, 'reader');
  if (!client.isOk) return client.failure;
  const answer = await client.value.get<DecisionsResponse>(`/api/v1/decisions?${new URLSearchParams({ event })}`);
  if (!answer.isOk) return answer.failure;
  const { decisions } = answer.value;
  if (invocation.isJson) {
    printJson(invocation, { event, decisions });
    return EXIT.fine;
  }
  const { stdout } = invocation.context;
  stdout.write(
    `${visible(`event ${event}: ${decisions.length === 0 ? 'no rule matched it' : counted(decisions.length, 'decision')}`)}\n`,
  );
  for (const { ruleId, why } of decisions) stdout.write(`  ${visible(`${ruleId}: ${why}`)}\n`);
  return EXIT.fine;
}

/** What suppression made of a stored event: the alert whose window holds it. */
async function suppressionOf(client: Client, rule: Rule, event: NewEvent | undefined): Promise<string | undefined> {
  const { suppress } = rule.alert;
  if (suppress === undefined || event === undefined || rule.kind.kind !== 'single') return undefined;
  const answer = await client.get<AlertsResponse>(`/api/v1/alerts?rule=${encodeURIComponent(rule.id)}&limit=1000`);
  if (!answer.isOk) return undefined;
  const key = keyOf(event.document, suppress.by);
  const { createdMs } = orderKeyOf(event.id, event.document);
  const own = answer.value.alerts.filter(({ suppressKey }) => suppressKey === key);
  const opened = own.find(({ firstEventId }) => firstEventId === event.id);
  if (opened !== undefined)
    return `alert ${opened.id}: this event opened it; its key ${key} is suppressed until ${isoTime(opened.suppressedUntilMs)}`;
  const holding = own.find(({ openedMs, suppressedUntilMs }) => openedMs <= createdMs && createdMs < suppressedUntilMs);
  if (holding === undefined) return `suppression: no alert’s window held ${key} at ${isoTime(createdMs)}`;
  return `suppression: ${key} was suppressed until ${isoTime(holding.suppressedUntilMs)} by alert ${holding.id}, opened ${isoTime(holding.openedMs)}`;
}

/** The window of the first event's keys: over the file's own events, or over what is stored around the event. */
async function windowsOfEvents(
  invocation: Invocation,
  rule: Rule,
  events: readonly NewEvent[],
  client: Client | undefined,
): Promise<Outcome<readonly ExplainedKey[]>> {
  const [first] = events;
  if (first === undefined) return succeed([]);
  const own = client === undefined ? [] : keysOfEvent(rule, first);
  // Of an event that does not count: the window that it would have come into.
  const keys = client === undefined ? undefined : new Set(own.length > 0 ? own : [keyOf(first.document, rule.by)]);
  const isAsked = (key: string): boolean => keys === undefined || keys.has(key);
  if (client === undefined) {
    const lastMs = Math.max(...events.map(({ id, document }) => orderKeyOf(id, document).createdMs));
    return succeed(explainWindow({ rule, events, untilMs: lastMs, isAsked }).keys);
  }
  const around = await scanEvents(client, { rule, event: first, nowMs: invocation.context.now() });
  if (!around.isOk) return around;
  return succeed(explainWindow({ rule, events: around.value.events, untilMs: around.value.untilMs, isAsked }).keys);
}

async function explainPast(invocation: Invocation, rule: Rule, known: readonly Rule[]): Promise<ExitCode | Failure> {
  const range = readRange(invocation, '1h');
  if (!range.isOk) return range.failure;
  const values = askedValues(invocation);
  if (values !== undefined && values.length !== rule.by.length) {
    const message = `--key has ${counted(values.length, 'value')}, and the rule’s key ${counted(rule.by.length, 'field')}`;
    const remedy =
      rule.by.length === 0 ? 'Leave it out.' : `Give ${rule.by.join(',')}; or leave it out to see all keys.`;
    return usage(explain, message, remedy).failure;
  }
  const client = await openClient(invocation, 'reader');
  if (!client.isOk) return client.failure;
  if (!isGiven(invocation, 'since') && !isGiven(invocation, 'until')) {
    const live = await askLiveWindows(client.value, rule, values);
    if (live !== undefined) {
      if (!invocation.isJson)
        invocation.context.stdout.write(`${visible(`${rule.id}: ${ruleSentence(rule, treesOf(rule))}`)}\n`);
      printLiveWindows(invocation, rule, live);
      return EXIT.fine;
    }
  }
  const untilMs = range.value.untilMs ?? invocation.context.now();
  const stored = await scanEvents(client.value, {
    rule,
    range: { fromMs: range.value.sinceMs, untilMs },
    nowMs: untilMs,
  });
  if (!stored.isOk) return stored.failure;
  if (rule.kind.kind === 'together') return printTogether(invocation, rule, { ...stored.value, untilMs, known });
  const isAsked = askedKey(invocation);
  const { keys, keysTotal } = explainWindow({ rule, events: stored.value.events, untilMs, isAsked });
  if (invocation.isJson)
    printJson(invocation, {
      rule: { id: rule.id, version: rule.version },
      keys,
      keysTotal,
      isComplete: stored.value.isComplete,
    });
  else {
    invocation.context.stdout.write(`${visible(`${rule.id}: ${ruleSentence(rule, treesOf(rule))}`)}\n`);
    printKeys(invocation, rule, keys, keysTotal);
    const cut = stored.value.isComplete ? '' : ', the first ones only: ask for a shorter range';
    invocation.context.stderr.write(
      `${counted(stored.value.events.length, 'event')} read since ${isoTime(range.value.sinceMs)}${cut}\n`,
    );
  }
  return EXIT.fine;
}

function printTogether(
  invocation: Invocation,
  rule: Rule,
  stored: { readonly events: readonly NewEvent[]; readonly untilMs: number; readonly known: readonly Rule[] },
): ExitCode {
  const isAsked = askedKey(invocation);
  const keys = explainTogether({ rule, all: stored.known, ...stored }).filter(({ key }) => isAsked(key));
  if (invocation.isJson) {
    printJson(invocation, { rule: { id: rule.id, version: rule.version }, keys });
    return EXIT.fine;
  }
  const { stdout } = invocation.context;
  stdout.write(`${visible(`${rule.id}: ${ruleSentence(rule, treesOf(rule))}`)}\n`);
  if (keys.length === 0) stdout.write('\nnone of its rules detected anything\n');
  for (const { key, rules, found } of keys.slice(0, KEYS_SHOWN)) {
    const came = rules.filter(({ detections }) => detections > 0).length;
    const verdict = found === 0 ? 'nothing found' : counted(found, 'detection');
    stdout.write(`\n${visible(`key ${key}: ${came} of ${rules.length} rules: ${verdict}`)}\n`);
    for (const { id, detections, lastMs } of rules) {
      const last = lastMs === undefined ? '' : `, the last ${isoTime(lastMs)}`;
      stdout.write(`  ${detections > 0 ? '✓' : '✗'} ${visible(id)}: ${counted(detections, 'detection')}${last}\n`);
    }
  }
  return EXIT.fine;
}

/** Values are compared as text: nobody types the quotes of JSON. */
function askedKey(invocation: Invocation): (key: string) => boolean {
  const wanted = askedValues(invocation);
  if (wanted === undefined) return () => true;
  return (key) => JSON.stringify(valuesOf(key)) === JSON.stringify(wanted);
}

function askedValues(invocation: Invocation): readonly string[] | undefined {
  const asked = optionValue(invocation, 'key');
  if (asked === undefined || !isGiven(invocation, 'key')) return undefined;
  return asked.startsWith('[') ? valuesOf(asked) : asked.split(',');
}

function valuesOf(json: string): readonly string[] {
  try {
    const values: unknown = JSON.parse(json);
    return Array.isArray(values)
      ? values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
      : [json];
  } catch {
    return [json];
  }
}

function printKeys(
  invocation: Invocation,
  rule: Rule,
  keys: readonly ExplainedKey[],
  total: number = keys.length,
): void {
  const { stdout } = invocation.context;
  if (keys.length === 0) {
    stdout.write(
      rule.kind.kind === 'together'
        ? '\nAsk its rules one by one: their detections are what it puts together.\n'
        : `\nno event counts ${isGiven(invocation, 'event') ? 'around it under this key' : 'for such a key'}\n`,
    );
    return;
  }
  for (const { key, matches, firstMs, lastMs, found, remarks } of keys.slice(0, KEYS_SHOWN)) {
    const span = matches > 1 ? `, ${isoTime(firstMs)} to ${isoTime(lastMs)}` : `, ${isoTime(firstMs)}`;
    const verdict = found.length === 0 ? 'nothing found' : counted(found.length, 'detection');
    stdout.write(`\n${visible(`key ${key}: ${counted(matches, 'event')}${span}: ${verdict}`)}\n`);
    for (const remark of remarks.slice(0, KEYS_SHOWN)) stdout.write(`  ${visible(remark)}\n`);
  }
  if (total > KEYS_SHOWN) stdout.write(`\n${counted(total - KEYS_SHOWN, 'further key')}\n`);
}
