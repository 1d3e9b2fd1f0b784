import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitReadable } from '../../collector/netlink/idle-wait.ts';

let folder: string;
let pipe: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-wait-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  pipe = openSync(join(folder, 'pipe'), constants.O_RDWR | constants.O_NONBLOCK);
});
afterEach(() => {
  closeSync(pipe);
  rmSync(folder, { recursive: true, force: true });
});

const wait = (fd: number, timeoutMs: number): Promise<boolean> =>
  new Promise((resolve) => waitReadable(fd, timeoutMs, resolve));

describe('waiting for a descriptor', () => {
  it('ends at once where something is there to read', async () => {
    writeSync(pipe, 'x');
    expect(await wait(pipe, 20_000)).toBe(true);
  });

  it('ends when something comes, and lets the thread work meanwhile', async () => {
    const waiting = wait(pipe, 20_000);
    let turns = 0;
    while (turns < 10) {
      turns += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    writeSync(pipe, 'x');
    expect(await waiting).toBe(true);
  });

  it('ends when the time is over', async () => {
    expect(await wait(pipe, 20)).toBe(false);
  });

  it('keeps what the kernel writes to for as long as it waits, whatever is collected meanwhile', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const made: WeakRef<Buffer>[] = [];
    const { alloc } = Buffer;
    Buffer.alloc = (size: number) => {
      const buffer = alloc(size);
      made.push(new WeakRef(buffer));
      return buffer;
    };
    const waiting = wait(pipe, 20_000);
    Buffer.alloc = alloc;
    for (let turn = 0; turn < 5; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      collect();
    }
    const areKept = made.map((one) => one.deref() !== undefined);
    writeSync(pipe, 'x');
    expect(await waiting).toBe(true);
    expect(areKept).toEqual([true]);
  });

  it('says of a descriptor that is none that it is to be looked at', async () => {
    expect(await wait(999_999, 20_000)).toBe(true);
  });
});
