// The events that `vedette explain` is asked about: those of a file, or a stored one.
import { type NewEvent, toNested } from '../event/document.ts';
import type { EventApiResponse } from '../server/api.ts';
import type { Client } from './client.ts';
import { readText } from './config.ts';
import { EXIT, fail, type Outcome, succeed } from './failure.ts';

const FILE_BYTES_MAX: number = 64 * 1024 * 1024;

/** A JSON document, an array of them, or one a line; ids are made up where there are none. */
export async function readEvents(path: string): Promise<Outcome<readonly NewEvent[]>> {
  const text = await readText(path, FILE_BYTES_MAX);
  if (!text.isOk) return text;
  const documents = parseDocuments(text.value);
  if (documents === undefined || documents.length === 0) {
    const remedy = 'Write one JSON object, an array of them, or one a line (`vedette search … --format ndjson`).';
    return fail('explain/no-events', { message: `${path} holds no events`, remedy, exitCode: EXIT.usage });
  }
  return succeed(
    documents.map(({ _id, ...document }, at) => ({
      id: typeof _id === 'string' ? _id : `${at + 1}`,
      document: toNested(document),
    })),
  );
}

function parseDocuments(text: string): readonly Readonly<Record<string, unknown>>[] | undefined {
  try {
    const whole: unknown = JSON.parse(text);
    return objectsOf(Array.isArray(whole) ? whole : [whole]);
  } catch {
    try {
      return objectsOf(
        text
          .split('\n')
          .filter((line) => line.trim() !== '')
          .map((line): unknown => JSON.parse(line)),
      );
    } catch {
      return undefined;
    }
  }
}

function objectsOf(values: readonly unknown[]): readonly Readonly<Record<string, unknown>>[] | undefined {
  const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  return values.every(isObject) ? values : undefined;
}

/** A stored event. */
export async function fetchEvent(client: Client, id: string): Promise<Outcome<readonly NewEvent[]>> {
  const event = await client.get<EventApiResponse>(`/api/v1/events/${encodeURIComponent(id)}`);
  return event.isOk ? succeed([{ id: event.value.id, document: event.value.document }]) : event;
}
