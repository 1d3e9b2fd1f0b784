// The reading side: source → reassembly → document → spool, in one thread, and the accounts of what was lost on the way.
// `step` does what there is to do and never waits; the thread's shell (reader-worker.ts) calls it and sleeps in between. Longer than
// 300 lines, because the accounts, the spool and the clock have to move in one step: each function here touches all three.
import type { AuditEvent, HostIdentity } from '../audit/event.ts';
import { createEventBytes } from '../audit/event-bytes.ts';
import { createReassembler } from '../audit/reassembler.ts';
import { ReceivedRecord } from '../audit/record.ts';
import type { Progress } from '../event/progress.ts';
import { createdClock } from './created-clock.ts';
import { cutOfSpool, type Downtime, tellDowntime } from './downtime.ts';
import { createEventWriter } from './event-writer.ts';
import type { LimitChange } from './limits.ts';
import { type Limits, limitsDocument } from './limits-keeper.ts';
import type { Accounts } from './lineage/accounts.ts';
import type { Processes } from './lineage/processes.ts';
import { createLossLedger, EMPTY_LEDGER, type Loss, lossOfSpool } from './loss-ledger.ts';
import type { Notice } from './options.ts';
import {
  type ClockEvent,
  clockDocument,
  lossDocument,
  type OwnDocument,
  ownLines,
  statusDocument,
  tamperDocument,
} from './own-document.ts';
import type { ReadingFigures, ShippingFigures } from './reader-messages.ts';
import type { ReaderState } from './reader-state.ts';
import type { SelfWatch } from './self-watch.ts';
import type { Outstanding } from './serial-account.ts';
import type { KernelFigures, RecordSource } from './source.ts';
import { OWN } from './spool/owner.ts';
import type { SpoolWriter } from './spool/spool-writer.ts';
import type { Tamper } from './tamper.ts';

const TICK_MS = 1_000;
const CHECK_MS = 10_000;
/** The state is saved this often where nothing comes, in the same second where something does or a loss was told. */
const SAVE_MS = 5_000;
/**
 * After so many records without finding the socket empty some may have been dropped at its end, uncounted; what is missing last shows by a
 * later serial only, and on a host that has become quiet none may come.
 */
export const PROMPT_AFTER_RECORDS = 8_192;
export const STATUS_MS = 30_000;
/** What happened this long before an empty drain was certainly delivered by then: the kernel's own thread may lag. */
const KERNEL_LAG_MS = 1_000;
/** Changes of our own to the kernel's audit settings are told as such for so long after they were asked for. */
const OWN_CHANGE_MS = 1_000;

export interface ReaderParts {
  readonly source: RecordSource;
  readonly spool: SpoolWriter;
  readonly host: HostIdentity;
  readonly accounts: Accounts;
  readonly processes: Processes;
  readonly now: () => number;
  /** Looks after the collector itself; absent where the host of the records is another. */
  readonly selfWatch?: SelfWatch;
  readonly previous: ReaderState | undefined;
  readonly save: (state: ReaderState, mustSurvivePowerLoss: boolean) => void;
  /** CPU time and memory of the process, for the status document. */
  readonly cost: () => Readonly<Record<string, number>>;
  readonly onNotice: (notice: Notice) => void;
  /** What the process may cost; absent: no limit. */
  readonly limits?: Limits;
  /** What the limits ask of the process itself: less memory, or a new start. */
  readonly onLimit?: (change: LimitChange) => void;
}

export interface Step {
  readonly records: number;
  readonly hasMore: boolean;
  /** Something was spooled, or the second is over: the shipping side should hear of it. */
  readonly isNews: boolean;
}

export interface Reader {
  step(): Step;
  promise(): Progress;
  figures(): ReadingFigures;
  /** True when the losses are in the spool's files. */
  keepLosses(losses: readonly Loss[]): boolean;
  setShipping(figures: ShippingFigures): void;
  excludePids(pids: readonly number[]): void;
  /** First half of stopping: no more events are asked for; call `step` until it brings none. */
  quiesce(): void;
  /** Second half: the kernel is put back, everything that is held is spooled, the state says that it ended well. */
  close(): void;
}

export function createReader(parts: ReaderParts): Reader {
  const { source, spool, host, now, previous, limits } = parts;
  const isLog = source.mode.kind === 'file';
  const isRecording = isLog || source.mode.kind === 'recording';
  const sameBoot = previous?.bootId === host.bootId ? previous : undefined;
  const clock = createdClock(now, Math.max(sameBoot?.createdMs ?? 0, spool.recovery.lastCreatedMs));
  const ledger = createLossLedger(isRecording ? EMPTY_LEDGER : (sameBoot?.ledger ?? EMPTY_LEDGER));
  const gathered = createEventBytes();
  const reassembler = createReassembler({ gathered, ...(isLog ? { expectsEoe: false, isEnriched: true } : {}) });
  const events = createEventWriter({ ...parts, gathered });
  const startedMs = now();
  let records = 0;
  let eventCount = 0;
  let spooled = 0;
  let overflows = 0;
  let unreadable = 0;
  let lostAtLeast = 0;
  let awaitsSpoolLosses = false;
  let shipping: ShippingFigures = { delivered: 0, rejected: 0 };
  let isDirty = false;
  let hasDiskFailed = false;
  let watchedUntilMs = startedMs;
  let ownChangeUntilMs = startedMs + OWN_CHANGE_MS;
  let tickMs = startedMs;
  let checkMs = 0;
  let savedMs = 0;
  let savedPosition = 0;
  let mustSave = true;
  let unbroken = 0;
  let mayLackTail = false;
  let statusMs = startedMs;
  let downtime: Downtime | undefined;
  let kernel: KernelFigures | undefined;
  /** When the source had nothing more, epoch ms. */
  let emptyMs = 0;
  /** Certain losses since the start, by their source. */
  const lossesBySource = new Map<Loss['source'], number>();
  let reported = { ms: startedMs, records: 0, events: 0, cpuMs: 0 };

  function emit(event: AuditEvent): void {
    eventCount += 1;
    const createdMs = clock.stamp();
    // What came late goes where the rest of its event went.
    if (event.isFragment && limits?.wasDropped(event.serial) === true) return;
    if (limits?.dropsBulk() === true && !event.isFragment && events.classOf(event) === 'bulk') {
      limits.dropped(event.serial, event.timeMs);
      if (!isRecording) ledger.see(event.serial, event.timeMs, createdMs);
      return;
    }
    const position = events.write(event, createdMs, createdMs <= ownChangeUntilMs);
    if (!isRecording && !event.isFragment) ledger.see(event.serial, event.timeMs, createdMs);
    if (position === undefined) {
      // The spool counts what it refuses, by user.
      return;
    }
    spooled += 1;
    isDirty = true;
  }

  function emitAll(made: readonly AuditEvent[]): void {
    for (const event of made) {
      emit(event);
      for (const record of event.records) if (record instanceof ReceivedRecord) record.release();
    }
  }

  /** False when there is no room for it. */
  function put(make: (createdMs: number, position: number) => OwnDocument): boolean {
    const createdMs = clock.stamp();
    const position = spool.append({
      spoolClass: 'keep',
      createdMs,
      timeMs: createdMs,
      serial: 0,
      countsSerial: false,
      owner: OWN,
      lines: (at) => ownLines(host, make(createdMs, at), { createdMs, position: at }),
    });
    if (position === undefined) return false;
    isDirty = true;
    return true;
  }

  /** False when there was no room for one of them. */
  function tell(losses: readonly Loss[]): boolean {
    let areAll = true;
    if (losses.length > 0) mustSave = true;
    for (const loss of losses) {
      lostAtLeast += loss.atLeast;
      lossesBySource.set(loss.source, (lossesBySource.get(loss.source) ?? 0) + loss.atLeast);
      if (!put((createdMs) => lossDocument(loss, createdMs))) areAll = false;
      if (!loss.isPlanned) parts.onNotice({ level: 'warning', code: 'events-lost', text: loss.reason });
    }
    return areAll;
  }

  function tellTampers(tampers: readonly Tamper[]): void {
    for (const tamper of tampers) {
      put((createdMs, at) => tamperDocument(at, createdMs, tamper));
      parts.onNotice({ level: 'warning', code: tamper.action, text: tamper.reason });
    }
  }

  function keepLimits(nowMs: number): void {
    const dropped = limits?.takeDropped(spool.lastPosition() + 1, nowMs);
    if (dropped !== undefined) tell([dropped]);
    for (const change of limits?.tick(nowMs) ?? []) {
      put((createdMs, at) => limitsDocument(at, createdMs, change));
      const to = change.kind === 'level' ? ` Level: ${change.to}.` : '';
      parts.onNotice({ level: 'warning', code: 'limits', text: `${change.reason}${to}` });
      parts.onLimit?.(change);
    }
  }

  function flushSpool(): void {
    if (!isDirty) return;
    parts.processes.keep();
    const error = spool.flush(() => {
      // Whose serials were seen has to outlive their frames: else a kill would make them missing as well as given up.
      isDirty = false;
      save(false);
    });
    if (error === undefined) {
      isDirty = false;
      if (awaitsSpoolLosses) spool.lossesKept(true);
      awaitsSpoolLosses = false;
      if (hasDiskFailed)
        parts.onNotice({ level: 'info', code: 'disk-works', text: 'The spool’s disk takes events again.' });
      hasDiskFailed = false;
    } else if (!hasDiskFailed) {
      hasDiskFailed = true;
      const reason = (error as NodeJS.ErrnoException).code ?? error.message;
      parts.onNotice({
        level: 'error',
        code: 'disk-failed',
        text: `The spool’s disk takes no events (${reason}): they wait in memory.`,
      });
    }
  }

  function stateNow(isClean: boolean): ReaderState {
    return {
      bootId: host.bootId,
      position: spool.lastPosition(),
      createdMs: clock.stamp(),
      watchedUntilMs,
      isClean,
      ledger: ledger.state(),
    };
  }

  function save(isClean: boolean): void {
    // What the ledger has seen must be in the files first: else a kill would leave it counted and not stored.
    if (isDirty) return;
    try {
      const state = stateNow(isClean);
      parts.save(state, isClean);
      savedPosition = state.position;
      source.keep?.(reassembler.settledRecords);
    } catch (error) {
      if (hasDiskFailed) return;
      hasDiskFailed = true;
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
      parts.onNotice({
        level: 'error',
        code: 'disk-failed',
        text: `The collector’s state cannot be saved (${reason}).`,
      });
    }
  }

  function check(nowMs: number): void {
    const figures = source.check();
    if (figures === undefined) return;
    kernel = figures;
    tell(ledger.checked(figures, nowMs));
  }

  function settleDowntime(mustDecide: boolean): void {
    const kept = source.keptWatching === undefined ? false : source.keptWatching();
    if (downtime === undefined || (kept === undefined && !mustDecide)) return;
    const { losses, tampers } = tellDowntime(downtime, kept === true);
    downtime = undefined;
    tell(losses);
    tellTampers(tampers);
  }

  /** What the spool gave up; it forgets it when the telling is in its files. */
  function tellSpool(nowMs: number): void {
    if (hasDiskFailed) return;
    const losses = spool.takeLosses(nowMs);
    if (losses.length === 0) return;
    if (tell(losses.map((loss) => lossOfSpool(loss, nowMs)))) awaitsSpoolLosses = true;
    else spool.lossesKept(false);
  }

  function tellClock(action: ClockEvent, byMs: number): void {
    put((createdMs, at) => clockDocument(at, createdMs, action, byMs));
  }

  function tellSelf(): void {
    const stepBack = clock.takeStepBack();
    if (stepBack > 0) tellClock('clock-stepped-back', stepBack);
    const found = parts.selfWatch?.look();
    if (found === undefined) return;
    tellTampers(found.tampers);
    for (const change of found.clocks) {
      if (change.kind === 'set-forward') tellClock('clock-stepped-forward', change.byMs);
      if (change.kind === 'slept') tellClock('host-was-suspended', change.byMs);
    }
  }

  function outstanding(): Outstanding {
    return { emptyMs, openSerials: reassembler.openSerials };
  }

  function tick(nowMs: number): void {
    tickMs = nowMs;
    keepLimits(nowMs);
    tell(ledger.certain(nowMs, outstanding()));
    tell(source.takeLosses?.() ?? []);
    // What was delivered is removed next. A successor learns from the state alone that it had come: without it, it would call it lost.
    if (spool.lastPosition() !== savedPosition) {
      flushSpool();
      save(false);
    }
    spool.trim(nowMs);
    tellSpool(nowMs);
    tellTampers(source.takeTampers?.() ?? []);
    tellSelf();
    if (nowMs - checkMs >= CHECK_MS || nowMs < checkMs) {
      checkMs = nowMs;
      check(nowMs);
    }
    if (nowMs - statusMs >= STATUS_MS || nowMs < statusMs) {
      statusMs = nowMs;
      put((createdMs, at) => statusDocument(at, createdMs, status()));
    }
    flushSpool();
    const error = spool.syncSoon();
    if (error !== undefined && !hasDiskFailed) {
      hasDiskFailed = true;
      parts.onNotice({
        level: 'error',
        code: 'disk-failed',
        text: 'The spool’s disk does not keep what it was given.',
      });
    }
    parts.processes.keep();
    if (mustSave || nowMs - savedMs >= SAVE_MS || nowMs < savedMs) {
      savedMs = nowMs;
      mustSave = false;
      save(false);
    }
  }

  function status(): Readonly<Record<string, unknown>> {
    const nowMs = now();
    const perSecond = (count: number): number => Math.round((count * 1_000) / Math.max(1, nowMs - reported.ms));
    const oldestMs = spool.oldestMs();
    const cost = parts.cost();
    const cpuMs = (cost['cpu_user_ms'] ?? 0) + (cost['cpu_system_ms'] ?? 0);
    const rates = {
      // Of one core, to the hundredth.
      cpu_percent: Math.round(((cpuMs - reported.cpuMs) * 10_000) / Math.max(1, nowMs - reported.ms)) / 100,
      records_per_second: perSecond(records - reported.records),
      events_per_second: perSecond(eventCount - reported.events),
    };
    reported = { ms: nowMs, records, events: eventCount, cpuMs };
    return {
      ...cost,
      ...rates,
      ...(kernel === undefined ? {} : { kernel_lost: kernel.lost, kernel_backlog: kernel.backlog }),
      ...(oldestMs === undefined ? {} : { spool_oldest_age_ms: Math.max(0, nowMs - oldestMs) }),
      losses: Object.fromEntries(lossesBySource),
      ...(limits === undefined ? {} : { limits_level: limits.level() }),
      mode: source.mode.kind,
      uptime_ms: nowMs - startedMs,
      records,
      events: eventCount,
      spooled,
      spool_bytes: spool.bytes(),
      open_events: reassembler.openEvents,
      processes: parts.processes.size(),
      lineage: parts.processes.figures(),
      socket_overflows: overflows,
      unreadable_records: unreadable,
      lost_at_least: lostAtLeast,
      delivered: shipping.delivered,
      rejected: shipping.rejected,
    };
  }

  function recoverLosses(): void {
    if (!isRecording) {
      const after = [...spool.framesAfter(sameBoot?.position ?? 0, host.bootId)].sort(
        (a, b) => a.position - b.position,
      );
      for (const head of after) if (head.countsSerial) ledger.see(head.serial, head.timeMs, head.createdMs);
      const lastMs = Math.max(previous?.watchedUntilMs ?? 0, ...lastOf(after));
      if (lastMs > 0) {
        downtime = {
          fromMs: lastMs,
          toMs: startedMs,
          counter: spool.lastPosition() + 1,
          wasPlanned: previous?.isClean === true && after.length === 0,
          isNewBoot: sameBoot === undefined && previous !== undefined,
        };
        watchedUntilMs = lastMs;
        settleDowntime(false);
        if (downtime === undefined) watchedUntilMs = startedMs;
      }
      const cut = cutOfSpool({ savedPosition: sameBoot?.position ?? 0, recovered: spool.recovery, nowMs: startedMs });
      tell(cut.losses);
      tellTampers(cut.tampers);
    }
    tell(spool.recovery.losses.map((loss) => lossOfSpool(loss, startedMs)));
    checkMs = startedMs;
    check(startedMs);
    flushSpool();
    save(false);
  }

  recoverLosses();

  return {
    step() {
      const drainedMs = now();
      const drained = source.drain((record) => {
        emitAll(reassembler.push(record, drainedMs));
      });
      records += drained.records;
      overflows += drained.overflows;
      unreadable += drained.unreadable;
      tell(ledger.overflowed(drained.overflows, source.mode.kind === 'multicast', drainedMs));
      unbroken += drained.records;
      if (!drained.hasMore) {
        mayLackTail ||= unbroken >= PROMPT_AFTER_RECORDS;
        unbroken = 0;
      }
      if (mayLackTail && drained.records === 0 && !drained.hasMore) {
        mayLackTail = false;
        ownChangeUntilMs = Math.max(ownChangeUntilMs, drainedMs + OWN_CHANGE_MS);
        source.prompt?.();
      }
      if (!drained.hasMore) {
        emptyMs = drainedMs;
        emitAll(reassembler.flush(drainedMs));
        settleDowntime(false);
        const isCaughtUp = drained.records === 0 && reassembler.openEvents === 0 && downtime === undefined;
        if (isCaughtUp) watchedUntilMs = drainedMs - KERNEL_LAG_MS;
      }
      const hadNews = isDirty;
      flushSpool();
      const isTick = drainedMs - tickMs >= TICK_MS || drainedMs < tickMs;
      if (isTick) tick(drainedMs);
      // What can wait does: it must not hold up records that are there.
      if (!drained.hasMore) parts.processes.work(drainedMs);
      return { records: drained.records, hasMore: drained.hasMore, isNews: hadNews || isTick };
    },
    promise: () => ({ bootId: host.bootId, position: spool.lastPosition(), createdMs: clock.stamp() }),
    figures: () => ({
      records,
      events: eventCount,
      spooled,
      spoolBytes: spool.bytes(),
      lostAtLeast,
      position: spool.lastPosition(),
    }),
    keepLosses(losses) {
      tell(losses);
      flushSpool();
      return !isDirty;
    },
    setShipping(figures) {
      shipping = figures;
    },
    excludePids: source.excludePids,
    quiesce() {
      ownChangeUntilMs = Number.POSITIVE_INFINITY;
      source.quiesce();
    },
    close() {
      settleDowntime(true);
      source.close();
      // A log is read again from the first record of what is open: the rest of it may still be written.
      if (!isLog) emitAll(reassembler.end());
      tell(ledger.certain(now(), outstanding()));
      tellSpool(Number.MAX_SAFE_INTEGER);
      flushSpool();
      spool.sync();
      watchedUntilMs = now();
      save(true);
      parts.processes.close();
      spool.close();
    },
  };
}

function lastOf(heads: readonly { readonly timeMs: number }[]): readonly number[] {
  const last = heads.at(-1);
  return last === undefined ? [] : [last.timeMs];
}
