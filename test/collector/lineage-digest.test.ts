import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createExecutableDigests,
  DIGEST_BYTES_PER_SECOND_MAX,
  DIGEST_FILE_BYTES_MAX,
  DIGEST_QUEUE_MAX,
} from '../../collector/lineage/executable-digest.ts';
import type { Self } from '../../collector/lineage/process-entry.ts';

let folder: string;
let told: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-digest-'));
  told = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const LATER = Date.now() + 60_000;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

function program(name: string, text: string | undefined, pid = 0): Self {
  const executable = join(folder, name);
  if (text !== undefined) writeFileSync(executable, text);
  return { info: { pid, entityId: `h.${name}`, name, executable, args: undefined }, isShared: false };
}

function digests(allows = true) {
  return createExecutableDigests({
    done: (_, info, digest) => told.push(`${info.name} ${digest}`),
    budget: { allows: () => allows },
    procFolder: folder,
  });
}

describe('the digest of an executable', () => {
  it('is told when the file was read, and at once of a file that was seen before', () => {
    const made = digests();
    const ask = (self: Self): void => made.ask({ self, isInContainer: false, eventMs: LATER });
    ask(program('a', 'text'));
    expect(told).toEqual([]);
    while (made.work(0));
    expect(told).toEqual([`a ${sha256('text')}`]);
    ask(program('a', undefined));
    expect(told).toHaveLength(2);
    expect(made.figures()).toMatchObject({ digests_made: 1, digests_waiting: 0, digests_left_out: 0 });
  });

  it('is of the inode that runs, whatever stands at its path by now', () => {
    const made = digests();
    const self = program('a', 'the one that runs', 7);
    mkdirSync(join(folder, '7'));
    copyFileSync(join(folder, 'a'), join(folder, 'running'));
    symlinkSync(join(folder, 'running'), join(folder, '7', 'exe'));
    writeFileSync(join(folder, 'a'), 'an innocent one');
    made.ask({ self, isInContainer: false, eventMs: LATER });
    while (made.work(0));
    expect(told).toEqual([`a ${sha256('the one that runs')}`]);
  });

  it('is not told of a path that was written since the exec, is a link, or lies in a container', () => {
    const made = digests();
    const self = program('a', 'text');
    made.ask({ self, isInContainer: false, eventMs: Date.now() - 60_000 });
    made.ask({ self, isInContainer: true, eventMs: LATER });
    symlinkSync(join(folder, 'a'), join(folder, 'link'));
    made.ask({ self: program('link', undefined), isInContainer: false, eventMs: LATER });
    while (made.work(0));
    expect(told).toEqual([]);
    expect(made.figures().digests_left_out).toBe(3);
  });

  it('is taken anew when the file changed, and not told of one that shrinks while it is read', () => {
    const made = digests();
    const self = program('a', 'text');
    made.ask({ self, isInContainer: false, eventMs: LATER });
    while (made.work(0));
    writeFileSync(join(folder, 'a'), 'TEXT');
    utimesSync(join(folder, 'a'), 1, 1);
    made.ask({ self, isInContainer: false, eventMs: LATER });
    while (made.work(0));
    expect(told).toEqual([`a ${sha256('text')}`, `a ${sha256('TEXT')}`]);
    made.ask({ self: program('b', 'x'.repeat(3_000_000)), isInContainer: false, eventMs: LATER });
    made.work(0);
    truncateSync(join(folder, 'b'), 10);
    while (made.work(0));
    expect(told).toHaveLength(2);
    expect(made.figures().digests_left_out).toBe(1);
  });

  it('is bounded: the file’s size, the queue, bytes a second, and the budget', () => {
    const made = digests();
    const big = program('big', '');
    truncateSync(join(folder, 'big'), DIGEST_FILE_BYTES_MAX + 1);
    made.ask({ self: big, isInContainer: false, eventMs: LATER });
    expect(made.figures()).toMatchObject({ digests_waiting: 0, digests_left_out: 1 });
    for (let at = 0; at < DIGEST_QUEUE_MAX + 5; at += 1)
      made.ask({ self: program(`f${at}`, String(at)), isInContainer: false, eventMs: LATER });
    expect(made.figures()).toMatchObject({ digests_waiting: DIGEST_QUEUE_MAX, digests_left_out: 6 });
    made.close();
    const huge = program('huge', '');
    truncateSync(join(folder, 'huge'), DIGEST_FILE_BYTES_MAX);
    const slow = digests();
    slow.ask({ self: huge, isInContainer: false, eventMs: LATER });
    let pieces = 0;
    while (slow.work(0)) pieces += 1;
    expect(pieces * 1024 * 1024).toBe(DIGEST_BYTES_PER_SECOND_MAX);
    slow.close();
    const short = digests(false);
    short.ask({ self: program('a', 'text'), isInContainer: false, eventMs: LATER });
    expect(short.figures().digests_left_out).toBe(1);
    expect(existsSync(join(folder, 'a'))).toBe(true);
  });
});
