// Events that a query matches, and what is around one of them.
import type {
  AroundApiRequest,
  AroundApiResponse,
  FoundEvent,
  SearchApiRequest,
  SearchApiResponse,
} from '../../server/api.ts';
import { printJson } from '../command.ts';
import { EXIT, type ExitCode, type Failure } from '../failure.ts';
import { counted, isoTime } from '../table.ts';
import { type Asking, ask, rangeInWords, rangeOf, tellUnknown, tellWarnings } from './asking.ts';
import { askedFields, eventPrinter, eventTable } from './events.ts';

export async function find(asking: Asking): Promise<ExitCode | Failure> {
  const { invocation, format, limit, isOldestFirst, query } = asking;
  const { stdout, stderr } = invocation.context;
  const fields = askedFields(asking);
  const request: SearchApiRequest = {
    query,
    ...rangeOf(asking),
    limit,
    ...(isOldestFirst ? { oldestFirst: true } : {}),
    ...(fields === undefined ? {} : { fields }),
  };
  const streams = format === 'csv' || format === 'ndjson';
  const printer = streams ? eventPrinter(asking) : undefined;
  const events: FoundEvent[] = [];
  let isRead = true;
  let count = 0;
  const found = await ask<SearchApiResponse>(asking, '/api/v1/search', request, async (line) => {
    const event = line['event'] as FoundEvent | undefined;
    if (event === undefined) return;
    count += 1;
    if (printer === undefined) events.push(event);
    else if (!(await printer.print(event))) {
      isRead = false;
      throw new Error('nobody reads');
    }
  });
  // `| head` has what it wants.
  if (!isRead) return EXIT.fine;
  if (!found.isOk) return found.failure;
  // A server that answered in one piece has the events in it.
  const all = found.value.events ?? events;
  const { total, isTotalExact } = found.value;
  if (format === 'json') {
    printJson(invocation, { ...found.value, events: all });
    return EXIT.fine;
  }
  if (printer !== undefined) for (const event of found.value.events ?? []) await printer.print(event);
  // What is newest is nearest to the prompt.
  else stdout.write(eventTable(asking, isOldestFirst ? all : all.toReversed()));
  tellWarnings(asking, found.value.warnings);
  tellUnknown(asking, asking.fields ?? []);
  const shown = Math.max(all.length, count);
  const most = shown < total ? `; the ${isOldestFirst ? 'oldest' : 'newest'} ${shown} are shown (--limit)` : '';
  const said = `${isTotalExact ? '' : 'at least '}${counted(total, 'event')}`;
  stderr.write(`${said} ${rangeInWords(asking)}${most}\n`);
  return EXIT.fine;
}

/** The events near one of them, on its host. */
export async function around(asking: Asking, id: string, withinMs: number): Promise<ExitCode | Failure> {
  const { invocation, format, limit, query } = asking;
  const { stdout, stderr } = invocation.context;
  const fields = askedFields(asking);
  const request: AroundApiRequest = { id, withinMs, query, limit, ...(fields === undefined ? {} : { fields }) };
  const found = await ask<AroundApiResponse>(asking, '/api/v1/around', request);
  if (!found.isOk) return found.failure;
  const { events, fromMs, untilMs, isComplete, warnings } = found.value;
  if (format === 'json') {
    printJson(invocation, found.value);
    return EXIT.fine;
  }
  if (format === 'table') stdout.write(eventTable(asking, events, id));
  else {
    const printer = eventPrinter(asking);
    for (const event of events) await printer.print(event);
  }
  tellWarnings(asking, warnings);
  const most = isComplete ? '' : `; only the nearest ${events.length} are shown (--limit)`;
  stderr.write(`${counted(events.length, 'event')} from ${isoTime(fromMs)} to ${isoTime(untilMs - 1)}${most}\n`);
  return EXIT.fine;
}
