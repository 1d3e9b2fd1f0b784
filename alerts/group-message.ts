// What a message says about a group of alerts: how many, of what, since when; the first of them in a list; and how often which values
// occur. Visible, bounded plain text, as every message.
import type { AlertGroup } from '../event/detection.ts';
import { clockUtc, formatUtc, shorten, visible } from './text.ts';

/** Rows of plain text under their heads. */
export interface MessageTable {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What is not in a row; '' where all is. */
  readonly more: string;
}

const MEMBER_TITLE_LENGTH_MAX = 200;
const CELL_LENGTH_MAX = 80;
const KEY_LENGTH_MAX = 200;

/** `12 alerts: SSH login failed (web-1)`, without the severity. */
export function groupTitle({ count, first, key, lateFor, isFirstSentAlone }: AlertGroup): string {
  const of = key.map(({ value }) => shorten(visible(value), CELL_LENGTH_MAX)).join(', ');
  const more = isFirstSentAlone ? ' more' : lateFor === undefined ? '' : ' late';
  return `${count}${more} ${count === 1 ? 'alert' : 'alerts'}: ${visible(first.ruleName)}${of === '' ? '' : ` (${of})`}`;
}

/** What the group is about, by label. */
export function groupFacts(group: AlertGroup): readonly (readonly [label: string, value: string])[] {
  const { key, fromMs, lastMs, untilMs, count, members, isFirstSentAlone, first, lateFor } = group;
  const hosts = new Set(members.map(({ hostId }) => hostId));
  const [host] = members;
  const hostsText =
    hosts.size === 1 && host !== undefined
      ? `${host.hostName} (${host.hostId})`
      : `${hosts.size}${count > members.length ? ' or more' : ''}`;
  return [
    ...key.map(({ name, value }) => [name, shorten(visible(value), KEY_LENGTH_MAX)] as const),
    ['Alerts', isFirstSentAlone ? `${count}, after the first, ${first.id}` : String(count)],
    [hosts.size === 1 ? 'Host' : 'Hosts', hostsText],
    ['From', formatUtc(fromMs)],
    ['To', `${formatUtc(lastMs)}; gathered until ${formatUtc(untilMs)}`],
    ...(lateFor === undefined ? [] : [['Late for', lateFor] as const]),
  ];
}

/** The first of its alerts, at most `rowsMax`. */
export function membersTable({ members, count }: AlertGroup, rowsMax: number): MessageTable {
  const rows = members.slice(0, rowsMax).map(({ timestampMs, hostName, title, detections = 1, isWithdrawn }) => {
    const times = detections > 1 ? ` (×${detections})` : '';
    const withdrawn = isWithdrawn === true ? ' (no longer holds: events came late)' : '';
    return [
      clockUtc(timestampMs),
      shorten(visible(hostName), CELL_LENGTH_MAX),
      `${shorten(visible(title), MEMBER_TITLE_LENGTH_MAX)}${times}${withdrawn}`,
    ];
  });
  const rest = count - rows.length;
  return {
    caption: 'Alerts',
    columns: ['Time (UTC)', 'Host', 'Alert'],
    rows,
    more: rest > 0 ? `and ${rest} more` : '',
  };
}

/** How often the values of `alert.group.table` occur, the most frequent first; undefined where the rule names none. */
export function valuesTable({ table }: AlertGroup, rowsMax: number): MessageTable | undefined {
  if (table === undefined) return undefined;
  const sorted = [...table.rows].sort((a, b) => b.count - a.count);
  const rows = sorted
    .slice(0, rowsMax)
    .map(({ values, count }) => [...values.map((value) => shorten(visible(value), CELL_LENGTH_MAX)), String(count)]);
  const rest = sorted.slice(rowsMax).reduce((sum, { count }) => sum + count, table.others);
  const more = rest > 0 ? `and ${rest} ${rest === 1 ? 'alert' : 'alerts'} with other values` : '';
  return {
    caption: 'How often',
    columns: [...table.fields.map((name) => shorten(visible(name), CELL_LENGTH_MAX)), 'alerts'],
    rows,
    more,
  };
}

/** Columns side by side, each as wide as its widest cell. */
export function textTable({ columns, rows }: MessageTable): readonly string[] {
  const lines = [columns, ...rows];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? '').length)));
  return lines.map((line) =>
    line
      .map((cell, at) => (at === columns.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
