// What a message says about an alert, whatever the channel: a headline, facts in order of use, and the command that shows the
// rest. All of it is visible, bounded plain text; each channel adds only its own markup.
import type { Notification } from '../event/detection.ts';
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

export function messageOf({ alert, reason }: Notification): Message {
  const risk = alert.risk === undefined ? '' : `, risk ${alert.risk}`;
  const host = alert.hostName === alert.hostId ? alert.hostId : `${alert.hostName} (${alert.hostId})`;
  const facts: Fact[] = [
    fact('Severity', `${alert.severity}${risk}`),
    fact('Host', host),
    fact('Time', formatUtc(alert.timestampMs)),
    ...alert.fields.filter(isThere).map(({ name, value }) => fact(LABELS[name] ?? name, value, CODE_FIELDS.test(name))),
    fact('Detections', countText(alert)),
    fact('Rule', `${alert.ruleId} (${alert.ruleName})`),
  ];
  if (alert.mitre.length > 0) facts.push(fact('MITRE ATT&CK', alert.mitre.join(', ')));
  if (alert.runbook !== undefined) facts.push(fact('Runbook', alert.runbook));
  facts.push(fact('Why you get this', reason), fact('Alert', alert.id));
  const title = visible(alert.title);
  return {
    headline: shorten(`[${alert.severity.toUpperCase()}] ${title}`, HEADLINE_LENGTH_MAX),
    severity: alert.severity,
    title: shorten(title, HEADLINE_LENGTH_MAX),
    description: shorten(visible(alert.description.trim().replace(/\s+/g, ' ')), DESCRIPTION_LENGTH_MAX),
    facts: facts.slice(0, FACTS_MAX),
    runbookUrl: httpUrlOf(alert.runbook),
    command: `vedette alerts show ${visible(alert.id)}`,
  };
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

function httpUrlOf(text: string | undefined): string | undefined {
  if (text === undefined || !URL.canParse(text) || text.length > 2_000) return undefined;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined;
}
