// Events as they are printed, whole or one by one: as a table, as comma-separated values, or as JSON, a document a line.
import type { FoundEvent } from '../../server/api.ts';
import { safeJson } from '../command.ts';
import { growingTable, renderTable } from '../table.ts';
import { type Asking, taken } from './asking.ts';
import { csvHead, csvLine } from './csv.ts';
import { CSV_FIELDS, type EventColumn, eventColumns, fieldValue, ID_FIELD, TABLE_FIELDS } from './event-columns.ts';

/** Narrower terminals have better use for the day's columns. */
const NARROW = 110;

export interface EventPrinter {
  /** False when nobody reads any more. */
  print(event: FoundEvent): Promise<boolean>;
}

/** Prints events as they come. */
export function eventPrinter(asking: Asking): EventPrinter {
  const { stdout } = asking.invocation.context;
  const lineOf = lineFormatter(asking);
  return {
    async print(event) {
      stdout.write(lineOf(event));
      return taken(asking);
    },
  };
}

function lineFormatter({ invocation, format, fields }: Asking): (event: FoundEvent) => string {
  const { stdout } = invocation.context;
  if (format === 'csv') {
    const names = fields ?? CSV_FIELDS;
    stdout.write(csvHead(names));
    return (event) => csvLine(names.map((name) => fieldValue(event, name)));
  }
  if (format !== 'table') return (event) => `${safeJson(asLine(event))}\n`;
  const columns =
    fields === undefined && isNarrow(stdout.columns) ? timeOfDayColumns('TIME (UTC)') : eventColumns(fields);
  const table = growingTable(columns, stdout.columns);
  stdout.write(table.head);
  return (event) => table.line(columns.map(({ read }) => read(event)));
}

/** The document with its id. */
function asLine({ id, document }: FoundEvent): unknown {
  const line: Record<string, unknown> = { [ID_FIELD]: id, ...document };
  line[ID_FIELD] = id;
  return line;
}

/** A table of all of them; `mark` stands before the event of this id. */
export function eventTable({ invocation, fields }: Asking, events: readonly FoundEvent[], mark?: string): string {
  if (events.length === 0) return '';
  const { columns: width } = invocation.context.stdout;
  const columns = fields === undefined && isNarrow(width) ? narrowColumns(events) : eventColumns(fields);
  const marked =
    mark === undefined
      ? columns
      : [{ title: ' ', read: ({ id }: FoundEvent) => (id === mark ? '>' : ' ') }, ...columns];
  return renderTable(
    marked,
    events.map((event) => marked.map(({ read }) => read(event))),
    width,
  );
}

function isNarrow(width: number): boolean {
  return width > 0 && width < NARROW;
}

/** Where all is of one day, a narrow terminal has the day in the title. */
function narrowColumns(events: readonly FoundEvent[]): readonly EventColumn[] {
  const columns = eventColumns(undefined);
  const days = new Set(events.map((event) => (columns[0]?.read(event) ?? '').slice(0, 10)));
  const [day = ''] = days;
  return days.size === 1 && /^\d{4}-/.test(day) ? timeOfDayColumns(day) : columns;
}

/** The usual columns, without the day. */
function timeOfDayColumns(title: string): readonly EventColumn[] {
  const [time, ...others] = eventColumns(undefined);
  return time === undefined
    ? others
    : [{ title, widthMax: 12, read: (event) => time.read(event).slice(11, -1) || '-' }, ...others];
}

/** The fields to ask for: those of the output, without the id, which comes anyway; undefined for whole documents. */
export function askedFields({ fields, format }: Asking): readonly string[] | undefined {
  const usual: Partial<Record<typeof format, readonly string[]>> = { csv: CSV_FIELDS, table: TABLE_FIELDS };
  const names = fields ?? usual[format];
  return names?.filter((name) => name !== ID_FIELD);
}
