// What an analyst asks a store, and how long it takes: the eight forensic queries, the two questions about connections, scans.
import { TABLE_FIELDS } from '../cli/search/event-columns.ts';
import type { AggregateRequest, EventStore, TimeRange } from '../store/port.ts';
import { parseQuery } from '../store/query/parse.ts';
import type { Query } from '../store/query/query.ts';

const HOUR_MS = 3_600_000;
const CONNECTION = ['host.id', 'process.name', 'destination.ip', 'destination.port'];
const OUTGOING = 'network.direction:egress AND network.transport:tcp';

interface Question {
  readonly name: string;
  ask(store: EventStore): Promise<string>;
}

export interface Span extends TimeRange {
  /** The id of an event in the middle. */
  readonly id: string;
}

export function queryOf(text: string): Query {
  const parsed = parseQuery(text, 0);
  if (!parsed.ok) throw new Error(`${text}: ${parsed.diagnostic.message}`);
  return parsed.query;
}

/**
 * The forensic queries that the goal of 200 ms is about, with the fields that `vedette search` shows of an event, or with events whole as
 * `--format json` gives them.
 */
export function forensicQueries(span: Span, of: 'shown' | 'whole'): readonly Question[] {
  const fields = of === 'shown' ? TABLE_FIELDS : undefined;
  const lastHour = { fromMs: span.untilMs - HOUR_MS, untilMs: span.untilMs };
  return [
    searchFor('a rare program', 'process.name:xmrig', span, fields),
    {
      name: 'one event by its id',
      ask: async (store) => ((await store.get(span.id)) === undefined ? 'none' : 'found'),
    },
    searchFor('*curl* or *sh* in command lines', 'process.command_line:(*curl* OR *sh*)', span, fields),
    countOf('the 20 programs most run', 'event.action:executed', { range: span, groupBy: ['process.name'], limit: 20 }),
    countOf('failures by the hour', 'event.outcome:failure', { range: span, groupBy: [], bucketMs: HOUR_MS, limit: 1 }),
    countOf('connections of the last hour by program and user', OUTGOING, {
      range: lastHour,
      groupBy: ['process.name', 'user.name'],
      distinct: CONNECTION,
      limit: 100,
    }),
    searchFor('the newest page', '', span, fields),
    searchFor('a network', 'destination.ip:10.2.0.0/15', span, fields),
  ];
}

/** The questions that a second is allowed for, over the last hour and over everything; and what is slower. */
export function otherQuestions(span: Span): readonly Question[] {
  const lastHour = { fromMs: span.untilMs - HOUR_MS, untilMs: span.untilMs };
  return [lastHour, span].flatMap((range) => {
    const of = range === lastHour ? 'last hour' : 'all the time';
    return [
      countOf(`how many unique outgoing TCP connections, ${of}`, OUTGOING, {
        range,
        groupBy: [],
        distinct: ['host.id', 'destination.ip', 'destination.port'],
        limit: 1,
      }),
      countOf(`which processes and users made them, ${of}`, OUTGOING, {
        range,
        groupBy: ['process.name', 'user.name'],
        limit: 100,
      }),
      searchFor(`a field without a column, ${of}`, 'file.owner:root OR auditd.data.grantors:pam_unix', range),
      searchFor(`a word of the raw records, ${of}`, '"pool.example.com"', range),
    ];
  });
}

function searchFor(name: string, text: string, range: TimeRange, fields?: readonly string[]): Question {
  const query = queryOf(text);
  const request = { query, range, limit: 100, ...(fields === undefined ? {} : { fields }) };
  return {
    name,
    async ask(store) {
      const found = await store.search(request);
      return `${found.events.length} of ${found.isTotalExact ? '' : 'at least '}${found.total}`;
    },
  };
}

function countOf(name: string, text: string, request: Omit<AggregateRequest, 'query'>): Question {
  const query = queryOf(text);
  return {
    name,
    async ask(store) {
      const { groups, events, distinct, isExact } = await store.aggregate({ ...request, query });
      return `${groups.length} groups, ${events} events${distinct === undefined ? '' : `, ${distinct} different`}${isExact ? '' : ', at least'}`;
    },
  };
}

/** Asks each question several times. Gives a line for each, and the times of all but the first rounds, ms. */
export async function measure(
  store: EventStore,
  questions: readonly Question[],
  rounds: number,
): Promise<{ readonly lines: readonly string[]; readonly times: readonly number[] }> {
  const lines: string[] = [];
  const all: number[] = [];
  for (const question of questions) {
    const times: number[] = [];
    const cpu: number[] = [];
    let answer = '';
    for (let round = 0; round <= rounds; round++) {
      const [began, used] = [performance.now(), process.cpuUsage()];
      answer = await question.ask(store);
      times.push(performance.now() - began);
      const { user, system } = process.cpuUsage(used);
      cpu.push((user + system) / 1_000);
    }
    const [first = 0, ...warm] = times;
    all.push(...warm);
    const figures = `first ${first.toFixed(0)}, p50 ${quantile(warm, 0.5).toFixed(0)}, p95 ${quantile(warm, 0.95).toFixed(0)} ms, CPU ${quantile(cpu, 0.5).toFixed(0)} ms`;
    lines.push(`${question.name.padEnd(60)} ${figures.padEnd(52)} ${answer}`);
  }
  return { lines, times: all };
}

export function quantile(times: readonly number[], part: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
}
