// The stored events that a rule's windows are made of, fetched for `vedette explain`: a range, or what is around one event as far as the
// rule remembers.
import { foldOf } from '../engine/kinds/fold-of.ts';
import type { NewEvent } from '../event/document.ts';
import { fieldOf } from '../event/document.ts';
import { orderKeyOf } from '../event/order.ts';
import type { Rule } from '../rules/rule.ts';
import type { FoundEvent, SearchApiResponse } from '../server/api.ts';
import type { Client } from './client.ts';
import { type Outcome, succeed } from './failure.ts';
import { listenForInterrupt } from './interrupt.ts';

const EVENTS_MAX = 200_000;
const IDLE_MS = 630_000;
/** At most so far back: a rule may remember for months. */
const MEMORY_MS_MAX = 7 * 86_400_000;
/** Searches go by `@timestamp`, windows by `event.created`, which is later. */
const MARGIN_MS = 300_000;

export interface ScannedEvents {
  readonly events: readonly NewEvent[];
  readonly untilMs: number;
  /** False where there were more. */
  readonly isComplete: boolean;
}

export async function scanEvents(
  client: Client,
  asked: {
    readonly rule: Rule;
    readonly nowMs: number;
    readonly range?: { readonly fromMs: number; readonly untilMs: number };
    readonly event?: NewEvent;
  },
): Promise<Outcome<ScannedEvents>> {
  const { rule, event, nowMs } = asked;
  const range = asked.range ?? rangeAround(rule, event, nowMs);
  const events: NewEvent[] = [];
  const interrupt = listenForInterrupt();
  try {
    const answer = await client.lines<SearchApiResponse>(
      '/api/v1/search',
      {
        query: queryFor(rule, event),
        sinceMs: Math.max(0, range.fromMs - MARGIN_MS),
        untilMs: range.untilMs + 1,
        limit: EVENTS_MAX,
        oldestFirst: true,
      },
      {
        signal: interrupt.signal,
        idleMs: IDLE_MS,
        onLine: (line) => {
          const found = line['event'] as FoundEvent | undefined;
          if (found !== undefined) take(found);
        },
      },
    );
    if (!answer.isOk) return answer;
    for (const found of answer.value.events ?? []) take(found);
    return succeed({ events, untilMs: range.untilMs, isComplete: answer.value.total <= EVENTS_MAX });
  } finally {
    interrupt.release();
  }

  function take({ id, document }: FoundEvent): void {
    const { createdMs } = orderKeyOf(id, document);
    if (createdMs >= range.fromMs && createdMs <= range.untilMs) events.push({ id, document });
  }
}

function rangeAround(
  rule: Rule,
  event: NewEvent | undefined,
  nowMs: number,
): { readonly fromMs: number; readonly untilMs: number } {
  const memoryMs = Math.min(foldOf(rule.kind)?.memoryMs ?? 0, MEMORY_MS_MAX);
  const atMs = event === undefined ? nowMs : orderKeyOf(event.id, event.document).createdMs;
  return { fromMs: Math.max(0, atMs - 2 * memoryMs), untilMs: Math.min(nowMs, atMs + memoryMs) };
}

/** Narrowed by the host where the key holds it; the rule itself decides about the rest. */
function queryFor(rule: Rule, event: NewEvent | undefined): string {
  const host = event === undefined || !rule.by.includes('host.id') ? undefined : fieldOf(event.document, 'host.id');
  return typeof host === 'string' ? `host.id:${JSON.stringify(host)}` : '*';
}
