// Records as the kernel sent them, kept in a file outside of git: captured beside a running collector from the multicast group, so
// that the collector's own rules make them. Laid out as one buffer of whole datagrams and the places where they end.
//
//   file   u32 length, little-endian, and the datagram (nlmsghdr and payload), again and again
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { auditSocket, bindNetlink, closeDescriptor, createBatch } from '../collector/netlink/libc.ts';
import { growQueue } from '../collector/netlink/receiver.ts';
import { compile } from '../test/harness/c-program.ts';
import { makeInstallation, TEST_UID } from '../test/harness/installation.ts';
import { freePort } from '../test/harness/receivers.ts';

const FILE = fileURLToPath(new URL('../.cache/bench/records.bin', import.meta.url));
const CALLS = 36_000;
const CALLS_PER_SECOND = 2_000;
const READLOG_GROUP = 1;
const SYSCALL = 1300;
const EXECVE = 1309;
/** The pids of one round are not those of another: a real host does not use them again so soon. */
const PIDS_PER_ROUND = 100_000;
/** Digits of a time in a record's text, seconds. */
const SECONDS_DIGITS = 10;

export interface Capture {
  readonly bytes: Buffer;
  /** Where each datagram ends; it begins where the one before it ends. */
  readonly ends: readonly number[];
}

/** The capture, made first when it is not there. */
export async function captured(): Promise<Capture> {
  if (!existsSync(FILE)) await capture();
  return parts(readFileSync(FILE));
}

export function framesOf(capture: Capture): { readonly records: number; readonly events: number } {
  const serials = new Set<string>();
  for (const text of texts(capture)) serials.add(text.slice(0, text.indexOf(')')));
  return { records: capture.ends.length, events: serials.size };
}

/** The capture as if it had come again, later: other times, serials, and other pids for programs that were started. */
export function shifted(capture: Capture, round: number): Capture {
  if (round === 0) return capture;
  const all = texts(capture);
  const spanSeconds = secondsOf(all.at(-1)) - secondsOf(all[0]) + 2;
  const serialSpan = serialOf(all.at(-1)) - serialOf(all[0]) + 1;
  const started = new Set<string>();
  for (const [index, text] of all.entries()) {
    if (typeAt(capture, index) !== SYSCALL || typeAt(capture, index + 1) !== EXECVE) continue;
    const pid = / pid=(\d+)/.exec(text)?.[1];
    if (pid !== undefined) started.add(pid);
  }
  const frames = all.map((text, index) => {
    const close = text.indexOf(')');
    const seconds = secondsOf(text) + round * spanSeconds;
    const serial = serialOf(text) + round * serialSpan;
    const stamp = `audit(${seconds}${text.slice(6 + SECONDS_DIGITS, text.indexOf(':') + 1)}${serial}`;
    const rest = text
      .slice(close)
      .replace(/ pid=(\d+)/, (whole, pid: string) =>
        started.has(pid) ? ` pid=${Number(pid) + round * PIDS_PER_ROUND}` : whole,
      );
    const head = Buffer.from(frameAt(capture, index).subarray(0, 16));
    return Buffer.concat([head, Buffer.from(stamp + rest, 'latin1')]);
  });
  return joined(frames);
}

async function capture(): Promise<void> {
  const work = mkdtempSync(join(tmpdir(), 'vedette-capture-'));
  chmodSync(work, 0o755);
  const load = join(work, 'load');
  mkdirSync(load);
  chmodSync(load, 0o777);
  compile('../bench/loadgen.c', join(work, 'loadgen'));
  compile('fault/child.c', join(work, 'child'), '-static');
  const installation = makeInstallation({ port: await freePort() });
  const collector = await installation.start('collector');
  const fd = auditSocket();
  try {
    if (fd < 0 || bindNetlink(fd, READLOG_GROUP) < 0) throw new Error('the audit multicast group cannot be read');
    growQueue(fd);
    const argv = [
      '-m',
      'mix',
      '-n',
      CALLS,
      '-r',
      CALLS_PER_SECOND,
      '-u',
      TEST_UID,
      '-d',
      load,
      '-x',
      join(work, 'child'),
    ];
    const child = spawn(join(work, 'loadgen'), argv.map(String), { stdio: ['ignore', 'ignore', 'inherit'] });
    let isRunning = true;
    const ended = new Promise<void>((resolve, reject) => {
      child.on('exit', (code) => {
        isRunning = false;
        if (code === 0) resolve();
        else reject(new Error(`loadgen ended with ${code}`));
      });
    });
    const frames: Buffer[] = [];
    const batch = createBatch(64, 9216);
    for (let idle = 0; isRunning || idle < 20; ) {
      const count = batch.receive(fd);
      if (count < 0) throw new Error(`the multicast group overflowed or failed: errno ${-count}`);
      for (let index = 0; index < count; index += 1) {
        const start = index * batch.slotBytes;
        const frame = Buffer.from(batch.buffer.subarray(start, start + batch.lengthOf(index)));
        frames.push(frame);
      }
      idle = count === 0 ? idle + 1 : 0;
      if (count < 64) await pause(20);
    }
    await ended;
    mkdirSync(join(FILE, '..'), { recursive: true });
    const chunks = frames.flatMap((frame) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(frame.length);
      return [length, frame];
    });
    writeFileSync(`${FILE}.tmp`, Buffer.concat(chunks));
    renameSync(`${FILE}.tmp`, FILE);
  } finally {
    if (fd >= 0) closeDescriptor(fd);
    await collector.stop();
    installation.remove();
    rmSync(work, { recursive: true, force: true });
  }
}

function parts(file: Buffer): Capture {
  const frames: Buffer[] = [];
  for (let at = 0; at + 4 <= file.length; ) {
    const length = file.readUInt32LE(at);
    frames.push(file.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return joined(frames);
}

function joined(frames: readonly Buffer[]): Capture {
  let end = 0;
  const ends = frames.map((frame) => {
    end += frame.length;
    return end;
  });
  return { bytes: Buffer.concat(frames), ends };
}

function frameAt({ bytes, ends }: Capture, index: number): Buffer {
  return bytes.subarray(index === 0 ? 0 : (ends[index - 1] ?? 0), ends[index] ?? 0);
}

function typeAt(capture: Capture, index: number): number {
  const frame = frameAt(capture, index);
  return frame.length < 16 ? 0 : frame.readUInt16LE(4);
}

function texts(capture: Capture): readonly string[] {
  return capture.ends.map((_, index) => frameAt(capture, index).toString('latin1', 16));
}

function secondsOf(text: string | undefined): number {
  return Number(text?.slice(6, 6 + SECONDS_DIGITS));
}

function serialOf(text: string | undefined): number {
  return Number(/^audit\([0-9.]+:(\d+)\)/.exec(text ?? '')?.[1]);
}
