// Looks after the collector itself once a second, and after its files every half minute: whether it stood still, whether the
// clocks contradict each other, whether its files or the host's name are others than at the start. Costs a few microseconds a
// second, and some file look-ups every half minute; nothing per event.
import { statSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { type ClockChange, type Clocks, clockWatch } from './clock-watch.ts';
import { type FileMark, type OwnFile, watchOwnFiles } from './own-files.ts';
import type { Tamper } from './tamper.ts';

const FILES_MS = 30_000;

interface SelfFinding {
  readonly tampers: readonly Tamper[];
  readonly clocks: readonly ClockChange[];
}

export interface SelfWatch {
  look(): SelfFinding;
}

export interface SelfPorts {
  readonly clocks: () => Clocks;
  readonly hostName: () => string;
  readonly mark: (path: string) => FileMark | undefined;
}

export function selfWatch(files: readonly OwnFile[], ports: SelfPorts): SelfWatch {
  const first = ports.clocks();
  const clocks = clockWatch(first);
  const ownFiles = watchOwnFiles(files, ports.mark);
  let name = ports.hostName();
  let filesMs = first.monotonicMs;
  return {
    look() {
      const now = ports.clocks();
      const changes = clocks.look(now);
      const tampers: Tamper[] = changes.flatMap(stoodStill);
      if (now.monotonicMs - filesMs >= FILES_MS) {
        filesMs = now.monotonicMs;
        const newName = ports.hostName();
        if (newName !== name) tampers.push(nameChanged(name, newName));
        name = newName;
        tampers.push(...ownFiles.look());
      }
      return { tampers, clocks: changes };
    },
  };
}

/** The real ones. `wall` is the clock of the process. */
export function realPorts(wall: () => number): SelfPorts {
  return {
    clocks: () => ({
      wallMs: wall(),
      monotonicMs: Number(process.hrtime.bigint() / 1_000_000n),
      bootMs: uptime() * 1_000,
    }),
    hostName: hostname,
    mark: markOfFile,
  };
}

function markOfFile(path: string): FileMark | undefined {
  try {
    const { dev, ino, mode, uid, gid, size, ctimeMs } = statSync(path);
    return { inode: `${dev}:${ino}`, mode, uid, gid, size, changedMs: ctimeMs };
  } catch {
    return undefined;
  }
}

function stoodStill(change: ClockChange): readonly Tamper[] {
  if (change.kind !== 'stood-still') return [];
  const seconds = Math.round(change.byMs / 100) / 10;
  return [
    {
      action: 'collector-was-stopped',
      reason: `The collector stood still for ${seconds} s: stopped by a signal, or without a processor or a disk.`,
      facts: { seconds },
    },
  ];
}

function nameChanged(old: string, now: string): Tamper {
  return {
    action: 'host-name-changed',
    reason: `The host calls itself ${now} now, no longer ${old}; its id stays.`,
    facts: { old, new: now },
  };
}
