// The recorded kernel samples (test/data/audit-samples) as lines and as events, for the tests of this room.
import { readdirSync, readFileSync } from 'node:fs';
import type { AuditEvent, AuditRecord, HostIdentity } from '../../audit/event.ts';
import { createReassembler } from '../../audit/reassembler.ts';
import { parseLine } from '../../audit/record.ts';

const SAMPLES = new URL('../data/audit-samples/', import.meta.url);

export const HOST: HostIdentity = { id: 'h1', name: 'host1', bootId: '0f1e2d3c-aaaa-bbbb-cccc-000000000000' };

/** All `.log` samples by name, without the ending. */
export const SAMPLE_NAMES: readonly string[] = readdirSync(SAMPLES)
  .filter((name) => name.endsWith('.log'))
  .map((name) => name.slice(0, -4));

export function sampleLines(name: string): readonly string[] {
  return readFileSync(new URL(`${name}.log`, SAMPLES), 'latin1')
    .split('\n')
    .filter(Boolean);
}

/** The frames of a `.frames.bin` sample, each as recv returned it. */
export function sampleFrames(name: string): readonly Buffer[] {
  const bytes = readFileSync(new URL(`${name}.frames.bin`, SAMPLES));
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    frames.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return frames;
}

export function recordsOf(lines: readonly string[]): readonly AuditRecord[] {
  return lines.map((line) => {
    const record = parseLine(line);
    if (record === undefined) throw new Error(`not a record: ${line.slice(0, 100)}`);
    return record;
  });
}

/** The events of lines, put together as a log's. */
export function eventsOf(lines: readonly string[]): readonly AuditEvent[] {
  const reassembler = createReassembler({ expectsEoe: false });
  const events = recordsOf(lines).flatMap((record) => [...reassembler.push(record, record.timeMs)]);
  return [...events, ...reassembler.end()];
}

/** The one event of some lines. */
export function eventOf(...lines: readonly string[]): AuditEvent {
  const events = eventsOf(lines);
  if (events.length !== 1 || events[0] === undefined) throw new Error(`${events.length} events`);
  return events[0];
}

export function sampleEvents(name: string): readonly AuditEvent[] {
  return eventsOf(sampleLines(name));
}
