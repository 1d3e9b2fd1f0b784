// What of an event stands in which column, as text.
import { type EventDocument, fieldOf, timeOf } from '../../event/document.ts';
import type { FoundEvent } from '../../server/api.ts';
import { type Column, isoTime } from '../table.ts';

/** The event's id, as a column. */
export const ID_FIELD = '_id';
const CELL_WIDTH_MAX = 60;
const TIME_WIDTH = 24;

export interface EventColumn extends Column {
  readonly read: (event: FoundEvent) => string;
}

/** A column for each field; those that matter where none are named. */
export function eventColumns(fields: readonly string[] | undefined): readonly EventColumn[] {
  return fields?.map(fieldColumn) ?? DEFAULT_COLUMNS;
}

export const CSV_FIELDS: readonly string[] = [
  '@timestamp',
  'host.name',
  'user.name',
  'event.action',
  'event.outcome',
  'process.name',
  'process.pid',
  'process.command_line',
  'file.path',
  'source.ip',
  'destination.ip',
  'destination.port',
  'message',
  'process.entity_id',
  ID_FIELD,
];

const HOST = ['host.name', 'host.id'];
const USER = ['user.name', 'user.id'];
const ACTION = ['event.action', 'event.dataset'];
const ADDRESS = ['destination.ip', 'source.ip', 'destination.address', 'source.address'];
const PORT = ['destination.port', 'source.port'];
const STARTED = ['process.command_line', 'process.executable'];
const WHAT = ['file.path', 'message', 'process.command_line', 'process.title', 'auditd.message_type'];

const DEFAULT_COLUMNS: readonly EventColumn[] = [
  { title: 'TIME (UTC)', widthMax: TIME_WIDTH, read: ({ document }) => isoTime(timeOf(document, '@timestamp')) },
  { title: 'HOST', widthMax: 16, read: ({ document }) => firstText(document, HOST) },
  { title: 'USER', widthMax: 12, read: ({ document }) => firstText(document, USER) },
  { title: 'ACTION', widthMax: 24, read: ({ document }) => firstText(document, ACTION) },
  { title: 'PROCESS', widthMax: 16, read: ({ document }) => firstText(document, ['process.name']) },
  {
    title: 'WHAT',
    read: ({ document }) => {
      const address = firstText(document, ADDRESS);
      const port = firstText(document, PORT);
      if (address !== '-') return port === '-' ? address : `${address} port ${port}`;
      return firstText(document, firstText(document, ['event.action']) === 'executed' ? STARTED : WHAT);
    },
  },
];

/** All that the usual columns read: nothing else of an event is asked for. */
export const TABLE_FIELDS: readonly string[] = [
  ...new Set(['@timestamp', ...HOST, ...USER, ...ACTION, 'process.name', ...ADDRESS, ...PORT, ...STARTED, ...WHAT]),
];

function fieldColumn(name: string): EventColumn {
  const widthMax = name === '@timestamp' ? TIME_WIDTH : CELL_WIDTH_MAX;
  return { title: name, widthMax, read: (event) => asText(fieldValue(event, name)) };
}

/** The value of a field, or of the id. */
export function fieldValue({ id, document }: FoundEvent, name: string): unknown {
  return name === ID_FIELD ? id : fieldOf(document, name);
}

function firstText(document: EventDocument, names: readonly string[]): string {
  for (const name of names) {
    const text = asText(fieldOf(document, name));
    if (text !== '-') return text;
  }
  return '-';
}

function asText(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(asText).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
