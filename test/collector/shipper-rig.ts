// A spool in memory with a shipper whose clock and timers are the test's.
import type { Notice } from '../../collector/options.ts';
import type { SetAside } from '../../collector/ship/attempt.ts';
import type { Compression } from '../../collector/ship/body-coding.ts';
import { dayOf } from '../../collector/ship/destination.ts';
import { createHttpClient } from '../../collector/ship/http-client.ts';
import { createShipper, type Shipper, type ShipperOptions } from '../../collector/ship/shipper.ts';
import { openSpoolReader } from '../../collector/spool/spool-reader.ts';
import { type SpoolShared, spoolShared } from '../../collector/spool/spool-shared.ts';
import { openSpoolWriter } from '../../collector/spool/spool-writer.ts';
import { bulkLines } from '../../event/bulk.ts';
import { memoryDisk } from './memory-disk.ts';

export const BOOT = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';

export type RigOptions = Partial<ShipperOptions> & { readonly compression?: Compression };

export interface ShipperRig {
  readonly shipper: Shipper;
  readonly shared: SpoolShared;
  readonly aside: SetAside[];
  readonly notices: Notice[];
  readonly delays: number[];
  append(name: string, text?: string, timeMs?: number): void;
  /** Resolves when the shipper waits for something. */
  idle(): Promise<void>;
  /** Lets the clock go on, back if negative, and all timers end. */
  pass(durationMs: number): void;
}

/** A spool with a shipper whose timers fire when the test says so. */
export function shipperRig(url: string, { compression = 'gzip', ...more }: RigOptions = {}): ShipperRig {
  const disk = memoryDisk();
  const shared = spoolShared();
  const writer = openSpoolWriter({ disk, shared, bootId: BOOT, bytesMax: 64 * 1024 * 1024 });
  const aside: SetAside[] = [];
  const notices: Notice[] = [];
  const delays: number[] = [];
  const timers: (() => void)[] = [];
  let nowMs = 1_000_000;
  let onTimer = (): void => {};
  const shipper: Shipper = createShipper({
    reader: openSpoolReader({ disk, shared, partition: dayOf }),
    client: createHttpClient(url, { compression, now: () => nowMs }),
    authorization: async () => 'Bearer vdt_h_secret',
    promised: () => ({ bootId: BOOT, position: writer.lastPosition(), createdMs: nowMs }),
    now: () => nowMs,
    random: () => 0.5,
    startTimer(durationMs, callback) {
      delays.push(durationMs);
      timers.push(callback);
      onTimer();
      return () => {};
    },
    onSetAside: (events) => aside.push(...events),
    onDelivered: (position) => shared.setAcknowledged(position),
    onNotice: (notice) => notices.push(notice),
    ...more,
  });
  return {
    shipper,
    shared,
    aside,
    notices,
    delays,
    append(name: string, text = 'x', timeMs = 5000) {
      const lines = () => bulkLines(`h.b.${name}`, JSON.stringify({ name, text }));
      writer.append({ spoolClass: 'keep', createdMs: 5000, timeMs, serial: 1, countsSerial: true, lines });
      writer.flush();
      shipper.wake();
    },
    /** Resolves when the shipper waits for something. */
    idle: () =>
      new Promise<void>((resolve) => {
        onTimer = resolve;
      }),
    pass(durationMs: number) {
      nowMs += durationMs;
      timers.splice(0).forEach((callback) => {
        callback();
      });
    },
  };
}
