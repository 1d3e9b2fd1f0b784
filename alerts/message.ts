// What a message says about an alert, whatever the channel: a headline, facts in order of use, and the command that shows the
// rest. All of it is visible, bounded plain text; each channel adds only its own markup.
import type { Alert, AlertGroup, FollowUp, Notification } from '../event/detection.ts';
import { groupFacts, groupTitle } from './group-message.ts';
import { formatUtc, shorten, visible } from './text.ts';

export interface Message {
  /** `[HIGH] apache2 spawned bash on web-1` */
  readonly headline: string;
  readonly severity: Notification['alert']['severity'];
  readonly title: string;
  readonly description: string;
  readonly facts: readonly Fact[];
  /** Only http and https; the rule's author wrote it. */
  readonly runbookUrl: string | undefined;
  /** `vedette alerts show ID` */
  readonly command: string;
  /** Of a message about many alerts: the alerts, for lists and tables (group-message.ts). */
  readonly group?: AlertGroup;
  /** Of a message that answers another. */
  readonly followUp?: FollowUp;
}

export interface Fact {
  readonly label: string;
  readonly value: string;
  /** True of what should stand as typed: command lines and paths. */
  readonly isCode: boolean;
}

export const HEADLINE_LENGTH_MAX = 320;
export const DESCRIPTION_LENGTH_MAX = 1_000;
export const VALUE_LENGTH_MAX = 1_000;
export const FACTS_MAX = 48;

/** How people call the fields that most rules include. */
const LABELS: Readonly<Record<string, string>> = {
  'user.name': 'User',
  'user.effective.name': 'Effective user',
  'user.audit.name': 'Login user',
  'process.command_line': 'Command line',
  'process.executable': 'Executable',
  'process.name': 'Process',
  'process.title': 'Process title',
  'process.pid': 'PID',
  'process.working_directory': 'Directory',
  'process.parent.name': 'Parent',
  'process.parent.executable': 'Parent executable',
  'process.parent.command_line': 'Parent command line',
  'process.ancestors.name': 'Ancestors',
  'file.path': 'File',
  'file.owner': 'Owner of the file',
  'auditd.data.mode': 'Mode',
  'destination.ip': 'Destination',
  'destination.port': 'Destination port',
  'source.ip': 'Source',
  // Figures of rules on many events (rules/kind.ts).
  count: 'Counted',
  value: 'Value',
  values_forgotten: 'Values forgotten',
  before: 'Before',
  after: 'After',
  reference: 'Compared with',
  last_seen: 'Last seen',
  steps: 'Steps',
  took_ms: 'Took (ms)',
  grain_ms: 'Grain (ms)',
  cut_before: 'Counted from',
};
const CODE_FIELDS = /(?:command_line|executable|args|path|directory|process\.title)$/;

export function messageOf(notification: Notification): Message {
  const { about } = notification;
  if (about === undefined) return openedMessage(notification);
  return about.kind === 'group' ? groupMessage(notification, about.group) : followUpMessage(notification, about);
}

function openedMessage({ alert, reason }: Notification): Message {
  const facts: Fact[] = [
    severityFact(alert),
    fact('Host', hostText(alert)),
    fact('Time', formatUtc(alert.timestampMs)),
    ...alert.fields.filter(isThere).map(({ name, value }) => fact(labelOf(name), value, CODE_FIELDS.test(name))),
    fact('Detections', countText(alert)),
    ...(typeof alert.group === 'object' ? [fact('And then', followingText(alert.group.untilMs))] : []),
    ruleFact(alert),
    ...creditFacts(alert),
  ];
  if (alert.mitre.length > 0) facts.push(fact('MITRE ATT&CK', alert.mitre.join(', ')));
  if (alert.runbook !== undefined) facts.push(fact('Runbook', alert.runbook));
  facts.push(fact('Why you get this', reason), fact('Alert', alert.id));
  return messageWith(alert, { title: alert.title, facts, command: showCommand(alert) });
}

function groupMessage({ alert, reason }: Notification, group: AlertGroup): Message {
  const facts: Fact[] = [
    severityFact(alert),
    ...groupFacts(group).map(([label, value]) => fact(labelOf(label), value)),
    ruleFact(alert),
    ...creditFacts(alert),
  ];
  if (alert.mitre.length > 0) facts.push(fact('MITRE ATT&CK', alert.mitre.join(', ')));
  if (alert.runbook !== undefined) facts.push(fact('Runbook', alert.runbook));
  facts.push(fact('Why you get this', reason), fact('Group', group.id));
  const title = groupTitle(group);
  const command = `vedette alerts list --group ${visible(group.id)}`;
  return { ...messageWith(alert, { title, facts, command }), group };
}

/** Short: what was said before is in the message that it answers. */
function followUpMessage({ alert }: Notification, followUp: FollowUp): Message {
  const { change, detections, withdrawn, facts: figures, because } = followUp;
  const facts: Fact[] = [
    fact('What changed', changeText(change, detections, withdrawn)),
    ...Object.entries(figures).map(([name, value]) =>
      fact(`${labelOf(name)} now`, value === null ? '-' : String(value)),
    ),
    fact(
      'Because of',
      because.length === 0
        ? 'events that came late'
        : `events that came late: ${because.slice(0, BECAUSE_SHOWN).join(', ')}`,
    ),
    fact('Host', hostText(alert)),
    fact('Time', formatUtc(alert.timestampMs)),
    ruleFact(alert),
    fact('Alert', alert.id),
  ];
  const title = `${CHANGED_TITLES[change]}: ${alert.title}`;
  return { ...messageWith(alert, { title, facts, command: showCommand(alert) }), description: '', followUp };
}

const BECAUSE_SHOWN = 3;
const CHANGED_TITLES = {
  withdrawn: 'No longer holds',
  changed: 'Changed',
  restored: 'Holds again',
} as const satisfies Record<FollowUp['change'], string>;

function changeText(change: FollowUp['change'], detections: number, withdrawn: number): string {
  switch (change) {
    case 'withdrawn':
      return 'With the events that came late, nothing of this alert is found any more.';
    case 'restored':
      return 'It had been withdrawn; with further events it is found again.';
    case 'changed':
      return withdrawn > 0
        ? `${withdrawn} of its ${detections} detections no longer ${withdrawn === 1 ? 'holds' : 'hold'}.`
        : 'It rests on other events than was told.';
  }
}

function messageWith(
  alert: Alert,
  told: { readonly title: string; readonly facts: readonly Fact[]; readonly command: string },
): Message {
  const title = visible(told.title);
  return {
    headline: shorten(`[${alert.severity.toUpperCase()}] ${title}`, HEADLINE_LENGTH_MAX),
    severity: alert.severity,
    title: shorten(title, HEADLINE_LENGTH_MAX),
    description: shorten(visible(alert.description.trim().replace(/\s+/g, ' ')), DESCRIPTION_LENGTH_MAX),
    facts: told.facts.slice(0, FACTS_MAX),
    runbookUrl: httpUrlOf(alert.runbook),
    command: told.command,
  };
}

function severityFact({ severity, risk }: Alert): Fact {
  return fact('Severity', `${severity}${risk === undefined ? '' : `, risk ${risk}`}`);
}

function ruleFact({ ruleId, ruleName }: Alert): Fact {
  return fact('Rule', `${ruleId} (${ruleName})`);
}

/** Who wrote the rule, and what else than an attack may have made it alert. */
function creditFacts({ author, license, falsePositives = [] }: Alert): readonly Fact[] {
  const by = [author, license].filter((part) => part !== undefined).join('; licence: ');
  return [
    ...(falsePositives.length === 0 ? [] : [fact('May also be', falsePositives.join('; '))]),
    ...(by === '' ? [] : [fact(author === undefined ? 'Licence of the rule' : 'Rule by', by)]),
  ];
}

function hostText({ hostId, hostName }: Alert): string {
  return hostName === hostId ? hostId : `${hostName} (${hostId})`;
}

function showCommand({ id }: Alert): string {
  return `vedette alerts show ${visible(id)}`;
}

function labelOf(name: string): string {
  return Object.hasOwn(LABELS, name) ? (LABELS[name] ?? name) : name;
}

/** What the event lacks (engine/rendering.ts writes `-`) is no fact. */
const isThere = ({ value }: { readonly value: string }): boolean => value !== '-';

function fact(label: string, value: string, isCode = false): Fact {
  return { label: shorten(visible(label), 80), value: shorten(visible(value), VALUE_LENGTH_MAX), isCode };
}

/** Says what becomes of the next one too, since silence would look like the end of it. */
function countText({ count, suppressedUntilMs, openedMs }: Notification['alert']): string {
  if (suppressedUntilMs <= openedMs) return String(count);
  return `${count}; the same joins this alert until ${formatUtc(suppressedUntilMs)}`;
}

function followingText(untilMs: number): string {
  return `other alerts of its group until ${formatUtc(untilMs)} follow in one message`;
}

function httpUrlOf(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text) || text.length > 2_000) return undefined;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined;
}
