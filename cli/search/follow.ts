// New events as they are stored, each once, until Ctrl-C. A lost connection is made again from the last place that the server told,
// and what had been printed since that place is not printed again.
import type { FollowApiRequest, FoundEvent, SearchApiResponse } from '../../server/api.ts';
import { EXIT, type ExitCode, type Failure, type Outcome } from '../failure.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { type Asking, ask, rangeOf, tellWarnings } from './asking.ts';
import { askedFields, eventPrinter } from './events.ts';

/** The server says where it is every ten seconds: a connection that says nothing for so long is dead. */
const IDLE_MS = 45_000;
const RETRY_MS_MAX = 10_000;
/** Lost connections that are made again; anything else that goes wrong ends it. */
const PASSING: ReadonlySet<string> = new Set([
  'client/cut-off',
  'client/unreachable',
  'store-closed',
  'server-stopping',
]);

/** `past`: also the events of the range that are stored already. */
export async function follow(asking: Asking, past: boolean): Promise<ExitCode | Failure> {
  const { client, invocation, query } = asking;
  const { stderr } = invocation.context;
  const interrupt = listenForInterrupt();
  const printer = eventPrinter(asking);
  const fields = askedFields(asking);
  let printed = new Set<string>();
  let cursor: string | undefined;
  let isRead = true;
  let isAtStart = true;

  const print = async (event: FoundEvent): Promise<void> => {
    if (printed.has(event.id)) return;
    printed.add(event.id);
    if (await printer.print(event)) return;
    isRead = false;
    throw new Error('nobody reads');
  };

  const connect = async (signal: AbortSignal, isPlaceOnly: boolean): Promise<Outcome<unknown>> => {
    const placed = new AbortController();
    const request: FollowApiRequest = {
      query,
      ...(cursor === undefined ? {} : { cursor }),
      ...(fields === undefined ? {} : { fields }),
    };
    return client.lines('/api/v1/follow', request, {
      signal: isPlaceOnly ? AbortSignal.any([signal, placed.signal]) : signal,
      idleMs: IDLE_MS,
      onLine: async (line) => {
        if (line['event'] !== undefined) return print(line['event'] as FoundEvent);
        if (typeof line['cursor'] !== 'string') return;
        // Everything before this place was printed; what the first place brings again was printed as the past.
        if (cursor !== undefined && line['cursor'] !== cursor && !isAtStart) printed = new Set();
        if (line['cursor'] !== cursor) isAtStart = cursor === undefined;
        cursor = line['cursor'];
        if (isPlaceOnly) placed.abort();
      },
    });
  };

  try {
    if (past) {
      const placed = await connect(interrupt.signal, true);
      if (cursor === undefined && !placed.isOk) return placed.failure;
      const failure = await printPast(asking, print);
      if (failure !== undefined) return failure;
    }
    for (let attempt = 0; ; ) {
      const before = cursor;
      const ended = await connect(interrupt.signal, false);
      if (interrupt.signal.aborted || !isRead) return EXIT.fine;
      if (!ended.isOk && (cursor === undefined || !PASSING.has(ended.failure.code))) return ended.failure;
      attempt = cursor === before ? attempt + 1 : 1;
      if (attempt === 1) stderr.write('vedette: the connection was lost; it is made again, and nothing is left out\n');
      await pause(Math.min(RETRY_MS_MAX, 250 * 2 ** Math.min(attempt, 6)), interrupt.signal);
      if (interrupt.signal.aborted) return EXIT.fine;
    }
  } finally {
    interrupt.release();
  }
}

/** Prints what of the range is stored already, oldest first. */
async function printPast(asking: Asking, print: (event: FoundEvent) => Promise<void>): Promise<Failure | undefined> {
  const fields = askedFields(asking);
  const request = {
    query: asking.query,
    ...rangeOf(asking),
    limit: asking.limit,
    ...(fields === undefined ? {} : { fields }),
  };
  const events: FoundEvent[] = [];
  const found = await ask<SearchApiResponse>(asking, '/api/v1/search', request, (line) => {
    if (line['event'] !== undefined) events.push(line['event'] as FoundEvent);
  });
  if (!found.isOk) return found.failure;
  tellWarnings(asking, found.value.warnings);
  const past = found.value.events ?? events;
  const { total, isTotalExact } = found.value;
  if (total > past.length)
    asking.invocation.context.stderr.write(
      `vedette: of the past ${isTotalExact ? '' : 'at least '}${total} events only the newest ${past.length} are shown (--limit)\n`,
    );
  for (const event of past.toReversed()) await print(event);
  return undefined;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
