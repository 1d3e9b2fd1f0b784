// A recorded host, played: lines of `type=X msg=audit(…)` come as if they happened now, at the recording's own pace or faster.
// They go through the same reassembly, mapping and spool as the kernel's; only /proc is not asked about them.
import { readFileSync } from 'node:fs';
import type { AuditRecord } from '../audit/event.ts';
import { parseLine } from '../audit/record.ts';
import type { SourceStart } from './source.ts';

/** A recording is read into memory, bytes. */
const RECORDING_BYTES_MAX: number = 64 * 1024 * 1024;
/** Records of one drain. */
const DRAIN_RECORDS_MAX = 4_096;

export const SHIPPED_RECORDING: URL = new URL('./demo/recorded-host.log', import.meta.url);

/** Opens a recording; refused when the file cannot be read or holds no audit record. */
export function openRecordingSource(options: {
  readonly file: string | URL;
  readonly speed: number;
  readonly now: () => number;
}): SourceStart {
  const { file, speed, now } = options;
  const name = file instanceof URL ? file.pathname : file;
  let lines: readonly string[];
  try {
    const bytes = readFileSync(file);
    if (bytes.length > RECORDING_BYTES_MAX) throw new Error('it is longer than a recording may be');
    lines = bytes.toString('latin1').split('\n');
  } catch (error) {
    return { kind: 'refused', refusal: { kind: 'failed', reason: `cannot read ${name}: ${(error as Error).message}` } };
  }
  const records: AuditRecord[] = [];
  let unreadable = 0;
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) continue;
    const record = parseLine(line.endsWith('\r') ? line.slice(0, -1) : line);
    if (record === undefined) unreadable += 1;
    else records.push(record);
  }
  const firstMs = records[0]?.timeMs;
  if (firstMs === undefined) {
    return { kind: 'refused', refusal: { kind: 'failed', reason: `there is no audit record in ${name}` } };
  }
  const startMs = now();
  let next = 0;
  return {
    kind: 'open',
    notices: [],
    source: {
      mode: { kind: 'recording', file: name },
      drain(onRecord) {
        const nowMs = now();
        let count = 0;
        for (; next < records.length && count < DRAIN_RECORDS_MAX; next += 1) {
          const record = records[next] as AuditRecord;
          const dueMs = startMs + Math.max(0, Math.round((record.timeMs - firstMs) / speed));
          if (dueMs > nowMs) break;
          onRecord(shifted(record, dueMs));
          count += 1;
        }
        const told = unreadable;
        unreadable = 0;
        return { records: count, overflows: 0, unreadable: told, hasMore: count === DRAIN_RECORDS_MAX };
      },
      isEnded: () => next >= records.length,
      check: () => undefined,
      excludePids() {},
      quiesce() {},
      close() {
        next = records.length;
      },
    },
  };
}

/** The record as if it had happened at `timeMs`; its text says so as well. */
function shifted(record: AuditRecord, timeMs: number): AuditRecord {
  const end = record.text.indexOf(')');
  const seconds = Math.floor(timeMs / 1000);
  const stamp = `audit(${seconds}.${String(timeMs - seconds * 1000).padStart(3, '0')}:${record.serial}`;
  return { ...record, timeMs, node: undefined, text: stamp + record.text.slice(end) };
}
