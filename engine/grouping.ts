// Grouping: the fold over the alerts of one rule and group key, in reference order, that makes one message of many. Pure:
// (state, alert) → (state, where it went), (state, time) → (state, messages that leave). The first alert opens a group; those before
// the end of its span are in its message; the message leaves when that end has passed.
//
//     first                            until
//       |---- are in its message --------|  the next opens another group
//
// What comes late joins the group of its time while that has not left. Else it is gathered for a while and follows in a message of its
// own: a group `lateFor` the one that left. What has left never changes.
import type { Alert, AlertGroup, Grouped, GroupMember, GroupTable } from '../event/detection.ts';
import { compareOrder, type OrderKey } from '../event/order.ts';
import type { Grouping } from '../rules/rule.ts';
import { nextTimeMs, parseSchedule } from '../rules/schedule.ts';
import { groupIdOf } from './identity.ts';
import { shorten } from './rendering.ts';

/** Alerts that a message names; the others are counted. */
export const MEMBERS_MAX = 25;
export const TABLE_ROWS_MAX = 50;
/** What is shown of an alert that is one of many. */
const MEMBER_FIELDS_MAX = 6;
const MEMBER_VALUE_LENGTH_MAX = 160;
const CELL_LENGTH_MAX = 120;
/** Groups of a key whose message has left, and that late alerts are still told to belong to. */
const LEFT_MAX = 4;
/** Groups of late alerts that wait under one key; past that the first leaves. */
const LATE_MAX = 4;
/** How long late alerts are gathered, of event time, ms. */
export const LATE_GATHERED_MS = 60_000;
/** Where a schedule has no further time, which no calendar brings about. */
const FALLBACK_MS = 86_400_000;

/** What the fold needs of an alert that is to be grouped; durable while it waits. */
export interface GroupEntry {
  readonly order: OrderKey;
  readonly alert: Alert;
  readonly plan: GroupPlan;
}

/** What a rule asks of grouping, with the values of one alert. */
export interface GroupPlan {
  readonly span:
    | { readonly kind: 'for'; readonly forMs: number }
    | { readonly kind: 'schedule'; readonly text: string };
  readonly sendsFirst: boolean;
  /** The values of `by`, as canonical JSON: what is grouped together. */
  readonly keyText: string;
  readonly key: AlertGroup['key'];
  readonly table: readonly { readonly name: string; readonly value: string }[];
  /** `host` where all that is grouped together comes from one host, and nothing of it waits for others. */
  readonly scope: 'host' | 'all';
  /** Across hosts: how long it waits for those that are behind, ms. */
  readonly latenessMs: number;
}

export interface GroupState {
  /** The greatest order that was folded. */
  readonly last: OrderKey;
  readonly open: OpenGroup | undefined;
  readonly late: readonly LateGroup[];
  readonly left: readonly Pick<OpenGroup, 'id' | 'fromMs' | 'untilMs'>[];
}

interface OpenGroup extends AlertGroup {
  readonly orders: readonly OrderKey[];
}

interface LateGroup extends OpenGroup {
  /** When its message leaves; its span is over long since. */
  readonly leavesMs: number;
}

export interface Placed {
  readonly state: GroupState;
  readonly grouped: Grouped;
  /** Those whose span ended before it. */
  readonly left: readonly AlertGroup[];
}

/** @param nowMs the time that the watermark has come to: from when on late ones are gathered. */
export function place(state: GroupState | undefined, entry: GroupEntry, nowMs: number): Placed {
  const { order } = entry;
  if (state !== undefined && compareOrder(order, state.last) < 0) return placeLate(state, entry, nowMs);
  const before: GroupState = state ?? { last: order, open: undefined, late: [], left: [] };
  const open = before.open;
  if (open !== undefined && order.createdMs < open.untilMs) {
    return {
      state: { ...before, last: order, open: joined(open, entry) },
      grouped: groupedIn(open, entry, false),
      left: [],
    };
  }
  const opened = openedBy(entry, spanEnd(entry.plan.span, order.createdMs));
  return {
    state: { ...before, last: order, open: opened, left: withLeft(before.left, open) },
    grouped: groupedIn(opened, entry, false),
    left: open === undefined ? [] : messageOf(open),
  };
}

/** What leaves, now that no alert before `nowMs` is still to come. */
export function leave(
  state: GroupState,
  nowMs: number,
): { readonly state: GroupState; readonly left: readonly AlertGroup[] } {
  const isOver = state.open !== undefined && state.open.untilMs <= nowMs;
  const due = state.late.filter(({ leavesMs }) => leavesMs <= nowMs);
  if (!isOver && due.length === 0) return { state, left: [] };
  const late = due.length === 0 ? state.late : state.late.filter(({ leavesMs }) => leavesMs > nowMs);
  return {
    state: {
      ...state,
      open: isOver ? undefined : state.open,
      late,
      left: isOver ? withLeft(state.left, state.open) : state.left,
    },
    left: [...due.flatMap(messageOf), ...(isOver && state.open !== undefined ? messageOf(state.open) : [])],
  };
}

/** When `leave` next brings something about, epoch ms; Infinity: never. */
export function leavesMs(state: GroupState): number {
  return Math.min(state.open?.untilMs ?? Number.POSITIVE_INFINITY, ...state.late.map((group) => group.leavesMs));
}

/** Everything that waits leaves at once. */
export function leaveAll(state: GroupState): { readonly state: GroupState; readonly left: readonly AlertGroup[] } {
  return leave(state, Number.POSITIVE_INFINITY);
}

function placeLate(state: GroupState, entry: GroupEntry, nowMs: number): Placed {
  const { order } = entry;
  const { open } = state;
  if (open !== undefined && covers(open, order)) {
    return { state: { ...state, open: joined(open, entry) }, grouped: groupedIn(open, entry, true), left: [] };
  }
  const left = state.left.findLast((group) => covers(group, order));
  const gathering = state.late.find((group) => group.lateFor === left?.id && covers(group, order));
  if (gathering !== undefined) {
    const late = state.late.map((group) => (group === gathering ? joined(group, entry) : group));
    return { state: { ...state, late }, grouped: groupedIn(gathering, entry, true), left: [] };
  }
  const untilMs = left?.untilMs ?? spanEnd(entry.plan.span, order.createdMs);
  const group: LateGroup = {
    ...openedBy({ ...entry, plan: { ...entry.plan, sendsFirst: false } }, untilMs),
    id: groupIdOf(entry.alert.ruleId, entry.plan.keyText, `late ${entry.alert.id}`),
    fromMs: left?.fromMs ?? order.createdMs,
    ...(left === undefined ? {} : { lateFor: left.id }),
    leavesMs: Math.max(nowMs, order.createdMs) + LATE_GATHERED_MS,
  };
  const [first, ...rest] = state.late;
  const isFull = state.late.length >= LATE_MAX && first !== undefined;
  return {
    state: { ...state, late: [...(isFull ? rest : state.late), group] },
    grouped: groupedIn(group, entry, true),
    left: isFull ? messageOf(first) : [],
  };
}

function covers({ fromMs, untilMs }: Pick<AlertGroup, 'fromMs' | 'untilMs'>, { createdMs }: OrderKey): boolean {
  return fromMs <= createdMs && createdMs < untilMs;
}

function openedBy({ order, alert, plan }: GroupEntry, untilMs: number): OpenGroup {
  const { key, table, sendsFirst, keyText } = plan;
  const { group: _, ...first } = alert;
  return {
    id: groupIdOf(alert.ruleId, keyText, alert.id),
    ruleId: alert.ruleId,
    key,
    fromMs: order.createdMs,
    untilMs,
    first,
    members: sendsFirst ? [] : [memberOf(alert)],
    orders: sendsFirst ? [] : [order],
    count: sendsFirst ? 0 : 1,
    lastMs: order.createdMs,
    ...(table.length === 0 ? {} : { table: counted(emptyTable(table), sendsFirst ? undefined : table) }),
    isFirstSentAlone: sendsFirst,
  };
}

function joined<Group extends OpenGroup>(group: Group, { order, alert, plan }: GroupEntry): Group {
  // In time it is the last; one that comes late takes its place among those that are named.
  const at = group.orders.findLastIndex((other) => compareOrder(other, order) < 0) + 1;
  return {
    ...group,
    ...(at >= MEMBERS_MAX
      ? {}
      : {
          members: group.members.toSpliced(at, 0, memberOf(alert)).slice(0, MEMBERS_MAX),
          orders: group.orders.toSpliced(at, 0, order).slice(0, MEMBERS_MAX),
        }),
    count: group.count + 1,
    lastMs: Math.max(group.lastMs, order.createdMs),
    ...(group.table === undefined ? {} : { table: counted(group.table, plan.table) }),
  };
}

function groupedIn(
  { id, fromMs, untilMs, isFirstSentAlone, first }: OpenGroup,
  { alert }: GroupEntry,
  isLate: boolean,
): Grouped {
  const isSentAlone = isFirstSentAlone && first.id === alert.id;
  return { alertId: alert.id, groupId: id, fromMs, untilMs, isSentAlone, isLate };
}

function messageOf(group: OpenGroup | LateGroup): readonly AlertGroup[] {
  if (group.count === 0) return [];
  const { orders: _, ...message } = group;
  if (!('leavesMs' in message)) return [message];
  const { leavesMs: __, ...late } = message;
  return [late];
}

function withLeft(left: GroupState['left'], group: OpenGroup | undefined): GroupState['left'] {
  if (group === undefined) return left;
  const { id, fromMs, untilMs } = group;
  return [...left, { id, fromMs, untilMs }].slice(-LEFT_MAX);
}

function memberOf({ id, title, severity, hostId, hostName, timestampMs, fields }: Alert): GroupMember {
  return {
    alertId: id,
    title,
    severity,
    hostId,
    hostName,
    timestampMs,
    fields: fields
      .slice(0, MEMBER_FIELDS_MAX)
      .map(({ name, value }) => ({ name, value: shorten(value, MEMBER_VALUE_LENGTH_MAX) })),
  };
}

function emptyTable(row: GroupPlan['table']): GroupTable {
  return { fields: row.map(({ name }) => name), rows: [], others: 0 };
}

/** A rule that was changed may name other fields: what the group's table does not have is counted among the others. */
function counted(table: GroupTable, row: GroupPlan['table'] | undefined): GroupTable {
  if (row === undefined) return table;
  const isSame = row.length === table.fields.length && row.every(({ name }, at) => name === table.fields[at]);
  const values = row.map(({ value }) => shorten(value, CELL_LENGTH_MAX));
  const at = isSame
    ? table.rows.findIndex((other) => other.values.every((value, place) => value === values[place]))
    : -1;
  if (at !== -1) {
    return { ...table, rows: table.rows.map((one, place) => (place === at ? { ...one, count: one.count + 1 } : one)) };
  }
  if (!isSame || table.rows.length >= TABLE_ROWS_MAX) return { ...table, others: table.others + 1 };
  return { ...table, rows: [...table.rows, { values, count: 1 }] };
}

function spanEnd(span: GroupPlan['span'], fromMs: number): number {
  if (span.kind === 'for') return fromMs + span.forMs;
  const schedule = parseSchedule(span.text);
  return (schedule === undefined ? undefined : nextTimeMs(schedule, fromMs)) ?? fromMs + FALLBACK_MS;
}

/** A rule's words on grouping, as they are kept with an alert. */
export function spanOf({ span }: Grouping): GroupPlan['span'] {
  return span.kind === 'for' ? span : { kind: 'schedule', text: span.schedule.text };
}
