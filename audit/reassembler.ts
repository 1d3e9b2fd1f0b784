// Records into events. An event is the records of one (time, serial, node); records of different events interleave, and some
// come after their event was closed. Pure: the time is passed in.
//
//   closed by       EOE · at once, for records that stand alone (USER_*, SECCOMP, …) · `loneTimeoutMs` without a further record,
//                   for leading records that no SYSCALL has joined (LOGIN, CONFIG_CHANGE, …) · `timeoutMs` for the rest · the limits
//   a late record   makes a fragment: an event of its own that names the closed one. Closed events are remembered (closed-events.ts
//                   says how many); a record that is later still makes an event without its SYSCALL
//   never           is a record dropped, or a USER_* record merged with the syscall whose serial it shares
import { crc32 } from 'node:zlib';
import { createViews } from './byte-writer.ts';
import { createClosedEvents } from './closed-events.ts';
import type { AuditEvent, AuditRecord } from './event.ts';
import { createEventBytes, type EventBytes, recordBytes } from './event-bytes.ts';
import { payloadEnd } from './foreign-enrichment.ts';
import { inKernelOrder } from './kernel-order.ts';
import { EOE, isAccompanying, isAlone, PROCTITLE, SYSCALL, URINGOP } from './tables/record-type.ts';

export interface ReassemblerOptions {
  /** Without a further record an event that expects more is closed after this, and flagged `timeout`. */
  readonly timeoutMs?: number;
  /** The same for leading records that may stand alone; no flag. */
  readonly loneTimeoutMs?: number;
  /** Beyond it the oldest open event is closed, flagged `evicted`. */
  readonly maxOpenEvents?: number;
  /** The same for the raw text of all open events, bytes. */
  readonly maxOpenBytes?: number;
  /** An event with more raw text is closed, flagged `too-large`; what follows becomes its fragments. */
  readonly maxEventBytes?: number;
  /** False for logs: auditd writes no EOE, so the time-out says nothing about completeness. */
  readonly expectsEoe?: boolean;
  /** True for logs: what auditd appended to a record (ENRICHED) is not the kernel's, so it changes no checksum and no id. */
  readonly isEnriched?: boolean;
  /** True where records may come in any order: an event's are put into the kernel's. */
  readonly isUnordered?: boolean;
  /** Where the records of the event that was closed last are left in one piece, for who reads them next. */
  readonly gathered?: EventBytes;
}

/** docs/decisions/0015 says why so long; serial-account.ts counts a serial as missing only after more than this. */
const REASSEMBLER_DEFAULTS: Required<Omit<ReassemblerOptions, 'gathered'>> = {
  timeoutMs: 4000,
  loneTimeoutMs: 1000,
  maxOpenEvents: 4096,
  maxOpenBytes: 64 * 1024 * 1024,
  maxEventBytes: 6 * 1024 * 1024,
  expectsEoe: true,
  isEnriched: false,
  isUnordered: false,
};

export interface Reassembler {
  /** Takes a record that came at `nowMs`; returns the events that it closed, oldest first (usually none or one). */
  push(record: AuditRecord, nowMs: number): readonly AuditEvent[];
  /** Closes what has waited long enough. Call it when everything that has arrived was pushed, not before. */
  flush(nowMs: number): readonly AuditEvent[];
  /** Closes everything that is open: the end of a log, or of the collector. */
  end(): readonly AuditEvent[];
  /** Of the records pushed so far, how many came before the first one of any open event: those are done with. */
  readonly settledRecords: number;
  /** How much is open. */
  readonly openEvents: number;
  readonly openSerials: Iterable<number>;
  readonly openBytes: number;
}

interface Open {
  readonly key: string | number;
  readonly records: AuditRecord[];
  readonly timeMs: number;
  readonly serial: number;
  readonly node: string | undefined;
  readonly fragmentOf: number | undefined;
  /** Records that were pushed before its first one. */
  readonly after: number;
  bytes: number;
  lastMs: number;
  /** True when a SYSCALL, or a record that only comes with one, is among the records. */
  expectsMore: boolean;
}

const NOTHING: readonly AuditEvent[] = [];

export function createReassembler(options: ReassemblerOptions = {}): Reassembler {
  const limits = { ...REASSEMBLER_DEFAULTS, ...options };
  // Both in order of insertion: the first is the oldest.
  const open = new Map<string | number, Open>();
  const closed = createClosedEvents();
  const checksum = createChecksum(options.gathered ?? createEventBytes(), limits.isEnriched);
  let openBytes = 0;
  let pushed = 0;
  /** The event that the last record was of: the next one mostly is too. */
  let last: Open | undefined;

  const openOf = (key: string | number): Open | undefined => (last?.key === key ? last : open.get(key));

  const close = (event: Open, reasons: readonly string[]): AuditEvent => {
    open.delete(event.key);
    if (last === event) last = undefined;
    openBytes -= event.bytes;
    const { timeMs, serial, node, fragmentOf } = event;
    const records = limits.isUnordered ? inKernelOrder(event.records) : event.records;
    const crc = checksum(records);
    if (fragmentOf !== undefined)
      return { timeMs, serial, node, records, crc, incomplete: reasons, isFragment: true, fragmentOf };
    closed.add(event.key, timeMs, crc);
    return { timeMs, serial, node, records, crc, incomplete: reasons, isFragment: false };
  };

  const start = (record: AuditRecord, key: string | number, nowMs: number): Open => {
    const { timeMs, serial, node } = record;
    const fragmentOf = closed.crcOf(key, timeMs);
    const event: Open = {
      key,
      records: [],
      timeMs,
      serial,
      node,
      fragmentOf,
      after: pushed - 1,
      bytes: 0,
      lastMs: nowMs,
      expectsMore: false,
    };
    open.set(key, event);
    return event;
  };

  const pushEoe = (record: AuditRecord, key: string | number): readonly AuditEvent[] => {
    const event = openOf(key);
    if (event !== undefined && event.timeMs === record.timeMs) {
      return [
        close(
          event,
          event.expectsMore && !hasSyscall(event) && event.fragmentOf === undefined ? ['missing-syscall'] : [],
        ),
      ];
    }
    if (closed.crcOf(key, record.timeMs) !== undefined) return NOTHING;
    // The same serial at another time: another boot, or a wrap.
    const made = event === undefined ? [] : [close(event, reasonsAtTimeout(event, limits.expectsEoe))];
    // Only the end of it arrived: the event happened, and nothing else would say so.
    return [...made, close(start(record, key, 0), ['missing-records'])];
  };

  const push = (record: AuditRecord, nowMs: number): readonly AuditEvent[] => {
    const { type, node } = record;
    pushed += 1;
    if (isAlone(type)) return [alone(record, checksum)];
    const key = node === undefined ? record.serial : `${node} ${record.serial}`;
    if (type === EOE) return pushEoe(record, key);
    let event = openOf(key);
    let made: AuditEvent[] | undefined;
    if (event !== undefined && (event.timeMs !== record.timeMs || (limits.isEnriched && isAgain(event, record)))) {
      // The same serial at another time: another boot, or a wrap. Or a log that is read again: a copy, or one that overlaps.
      made = [close(event, reasonsAtTimeout(event, limits.expectsEoe))];
      event = undefined;
    }
    event ??= start(record, key, nowMs);
    last = event;
    event.records.push(record);
    const bytes = recordBytes(record);
    event.bytes += bytes;
    event.lastMs = nowMs;
    openBytes += bytes;
    if (!event.expectsMore && (type === SYSCALL || type === URINGOP || isAccompanying(type))) event.expectsMore = true;
    if (event.bytes > limits.maxEventBytes) {
      made ??= [];
      made.push(close(event, ['too-large']));
    }
    while (open.size > limits.maxOpenEvents || openBytes > limits.maxOpenBytes) {
      const oldest = open.values().next().value;
      if (oldest === undefined) break;
      made ??= [];
      made.push(close(oldest, limits.expectsEoe ? ['evicted'] : reasonsAtTimeout(oldest, false)));
    }
    return made ?? NOTHING;
  };

  const flush = (nowMs: number): readonly AuditEvent[] => {
    if (open.size === 0) return NOTHING;
    const made: AuditEvent[] = [];
    for (const event of open.values()) {
      const timeoutMs = event.expectsMore ? limits.timeoutMs : limits.loneTimeoutMs;
      if (nowMs - event.lastMs >= timeoutMs) made.push(close(event, reasonsAtTimeout(event, limits.expectsEoe)));
    }
    return made;
  };

  return {
    push,
    flush,
    end: () => [...open.values()].map((event) => close(event, reasonsAtTimeout(event, limits.expectsEoe))),
    get settledRecords() {
      return open.values().next().value?.after ?? pushed;
    },
    get openEvents() {
      return open.size;
    },
    get openSerials() {
      return [...open.values()].filter((event) => event.fragmentOf === undefined).map(({ serial }) => serial);
    },
    get openBytes() {
      return openBytes;
    },
  };
}

/** True of a record that begins an event a second time. AVC and its like may repeat each other within one, before its last record. */
function isAgain(event: Open, record: AuditRecord): boolean {
  const { type, text } = record;
  const first = event.records[0];
  if (first?.type === type && first.text === text)
    return type < 1400 || type > 1599 || event.records.some((other) => other.type === PROCTITLE);
  return type === SYSCALL && event.records.some((other) => other.type === SYSCALL && other.text === text);
}

function hasSyscall(event: Open): boolean {
  return event.records.some(({ type }) => type === SYSCALL || type === URINGOP);
}

function reasonsAtTimeout(event: Open, expectsEoe: boolean): readonly string[] {
  if (!event.expectsMore || event.fragmentOf !== undefined) return [];
  const reasons = expectsEoe ? ['timeout'] : [];
  if (!hasSyscall(event)) reasons.push('missing-syscall');
  return reasons;
}

function alone(record: AuditRecord, checksum: (records: readonly AuditRecord[]) => number): AuditEvent {
  const { timeMs, serial, node } = record;
  const records = [record];
  return { timeMs, serial, node, records, crc: checksum(records), incomplete: [], isFragment: false };
}

/** CRC-32 of an event's records as event/id.ts defines it; the records are joined first, because a call costs more than bytes. */
function createChecksum(gathered: EventBytes, isEnriched: boolean): (records: readonly AuditRecord[]) => number {
  const viewOf = createViews(gathered.bytes);
  return (records) => {
    const bytes = gathered.gather(records, isEnriched ? payloadEnd : undefined);
    return crc32(bytes === gathered.bytes ? viewOf(gathered.size) : bytes.subarray(0, gathered.size));
  };
}
