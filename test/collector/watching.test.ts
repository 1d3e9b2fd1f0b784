// What watches over the watching, with a kernel, clocks and files that are the test's.
import { describe, expect, it } from 'vitest';
import { becomeOwner, inheritOwnership, type Ownership } from '../../collector/audit-ownership.ts';
import { clockWatch, STEP_LEAST_MS, STILL_LEAST_MS } from '../../collector/clock-watch.ts';
import { cutOfSpool, tellDowntime } from '../../collector/downtime.ts';
import { ATTEMPTS_TOLD_MAX, createGuard, RECLAIMS_MAX } from '../../collector/kernel-guard.ts';
import { kernelWatch, MENDS_MAX } from '../../collector/kernel-watch.ts';
import { ERRNO } from '../../collector/netlink/libc.ts';
import type { AuditStatus, AuditStatusChange } from '../../collector/netlink/message.ts';
import type { Receiver } from '../../collector/netlink/receiver.ts';
import { type FileMark, OWN_FILES_MAX, watchOwnFiles } from '../../collector/own-files.ts';
import { DESCRIPTORS_MAX, passedDescriptors } from '../../collector/passed-descriptors.ts';
import { selfWatch } from '../../collector/self-watch.ts';
import type { RecordSource } from '../../collector/source.ts';
import { tamperQueue } from '../../collector/tamper.ts';

const STATUS: AuditStatus = {
  enabled: 1,
  failure: 1,
  pid: 10,
  rateLimit: 0,
  backlogLimit: 8_192,
  lost: 0,
  backlog: 0,
  features: 0,
  backlogWaitTime: 0,
  backlogWaitTimeActual: 0,
};

/** A socket's answers, handed out by `settle` and by waiting. */
function scriptedReceiver() {
  const answers: number[] = [];
  const replacements: number[] = [];
  const receiver: Pick<Receiver, 'drain' | 'takeAnswer' | 'takeReplacements'> = {
    drain: () => ({ records: 0, overflows: 0, unreadable: 0, hasMore: false }),
    takeAnswer: () => answers.shift(),
    takeReplacements: () => replacements.splice(0),
  };
  return { answers, replacements, receiver: receiver as Receiver };
}

describe('the ownership of the stream', () => {
  const PID = 20;
  const PREDECESSOR = 10;
  function inherit() {
    const script = scriptedReceiver();
    let asked = 0;
    const ask = (): number => {
      asked += 1;
      return 0;
    };
    const ownership = inheritOwnership({ receiver: script.receiver, pid: PID, ask }, PREDECESSOR);
    return { ...script, ownership, asked: () => asked };
  }

  it('is a predecessor’s and so ours when our own attempt arrives on the inherited socket and is refused', () => {
    const { ownership, answers, replacements } = inherit();
    expect([ownership.standing(), ownership.keptWatching()]).toEqual(['asked', undefined]);
    replacements.push(PID);
    expect(ownership.settle(false)).toEqual([]);
    answers.push(-ERRNO.EEXIST);
    ownership.settle(false);
    expect([ownership.standing(), ownership.keptWatching(), ownership.registrant()]).toEqual([
      'ours',
      true,
      PREDECESSOR,
    ]);
  });

  it('is ours from now on, and the time before is unwatched, when nobody was registered any more', () => {
    const { ownership, answers } = inherit();
    answers.push(0);
    ownership.settle(true);
    expect([ownership.standing(), ownership.keptWatching(), ownership.registrant()]).toEqual(['ours', false, PID]);
  });

  it('is another’s when the kernel refuses and our attempt went elsewhere', () => {
    const { ownership, answers } = inherit();
    answers.push(-ERRNO.EEXIST);
    ownership.settle(true);
    expect([ownership.standing(), ownership.keptWatching()]).toEqual(['lost', false]);
  });

  it('is asked for again, a bounded number of times, where a full queue swallowed the proof', () => {
    const { ownership, asked } = inherit();
    for (let turn = 0; turn < 20; turn += 1) ownership.settle(true);
    expect(asked()).toBe(5);
    expect(ownership.standing()).toBe('lost');
  });

  it('tells the attempts of others, never our own', () => {
    const { ownership, replacements } = inherit();
    replacements.push(PID, 77);
    expect(ownership.settle(false)).toEqual([77]);
  });

  it('is the kernel’s errno where it refuses', () => {
    const { receiver, answers } = scriptedReceiver();
    answers.push(-ERRNO.EEXIST);
    expect(becomeOwner({ receiver, pid: PID, ask: () => 0 }, [])).toEqual({ errno: -ERRNO.EEXIST });
    expect(becomeOwner({ receiver, pid: PID, ask: () => -ERRNO.EPERM }, [])).toEqual({ errno: -ERRNO.EPERM });
  });
});

describe('the watch over the kernel’s settings', () => {
  const actions = (found: ReturnType<ReturnType<typeof kernelWatch>['look']>) =>
    found.tampers.map(({ action }) => action);

  it.each([
    [{ enabled: 0 }, ['audit-disabled'], { enabled: 1 }],
    [{ enabled: 2 }, ['audit-locked'], {}],
    [{ failure: 2 }, ['audit-settings-changed'], {}],
    [{ rateLimit: 5 }, ['audit-settings-changed'], {}],
    [{ backlogWaitTime: 15_000 }, ['audit-settings-changed'], { backlogWaitTime: 0 }],
    [{ backlogLimit: 64 }, ['audit-settings-changed'], { backlogLimit: 8_192 }],
    [{ backlog: 8_192 }, ['audit-backlog-full'], {}],
    [{ lost: 5, backlog: 8_191, features: 3 }, [], {}],
  ])('after %j tells %j and undoes %j', (change, told, mend) => {
    const found = kernelWatch(STATUS, true).look({ ...STATUS, ...change }, 0);
    expect(actions(found)).toEqual(told);
    expect(found.mend).toEqual(mend);
    expect(kernelWatch(STATUS, false).look({ ...STATUS, ...change }, 0).mend).toEqual({});
  });

  it('tells a change once, and its way back', () => {
    const watch = kernelWatch(STATUS, false);
    expect(actions(watch.look({ ...STATUS, enabled: 0 }, 0))).toEqual(['audit-disabled']);
    expect(actions(watch.look({ ...STATUS, enabled: 0 }, 1))).toEqual([]);
    expect(actions(watch.look(STATUS, 2))).toEqual(['audit-enabled-again']);
  });

  it('says that failure mode 2 halts the host', () => {
    expect(kernelWatch(STATUS, true).look({ ...STATUS, failure: 2 }, 0).tampers[0]?.reason).toContain('halts the host');
  });

  it('fights nobody for ever: so many mendings an hour, then it only tells', () => {
    const watch = kernelWatch(STATUS, true);
    let mended = 0;
    for (let turn = 0; turn < MENDS_MAX * 3; turn += 1) {
      const { mend } = watch.look({ ...STATUS, enabled: 0 }, turn * 1_000);
      if (mend.enabled === 1) {
        mended += 1;
        expect(actions(watch.look(STATUS, turn * 1_000))).toEqual([]);
      }
    }
    expect(mended).toBe(MENDS_MAX);
    watch.look(STATUS, 3_600_000);
    expect(watch.look({ ...STATUS, enabled: 0 }, 3_700_000).mend).toEqual({ enabled: 1 });
  });

  it('tells a full backlog once until it is calm again', () => {
    const watch = kernelWatch(STATUS, false);
    const full = { ...STATUS, backlog: 8_192 };
    expect(actions(watch.look(full, 0))).toEqual(['audit-backlog-full']);
    expect(actions(watch.look({ ...STATUS, backlog: 5_000 }, 1))).toEqual([]);
    expect(actions(watch.look(full, 2))).toEqual([]);
    watch.look(STATUS, 3);
    expect(actions(watch.look(full, 4))).toEqual(['audit-backlog-full']);
  });
});

describe('the guard of the stream', () => {
  function stage(reclaims: () => boolean = () => true) {
    let status = STATUS;
    let standing: ReturnType<Ownership['standing']> = 'ours';
    let opened = 0;
    let closed = 0;
    const changes: AuditStatusChange[] = [];
    const tampers = tamperQueue();
    const guard = createGuard({
      control: {
        status: () => ({ kind: 'ok', value: status }),
        change: (change) => {
          changes.push(change);
          return { kind: 'ok', value: undefined };
        },
      },
      ownership: {
        standing: () => standing,
        registrant: () => 10,
        keptWatching: () => false,
        reclaim: () => {
          if (!reclaims()) return false;
          standing = 'ours';
          return true;
        },
        giveUp: () => {
          standing = 'lost';
        },
        settle: () => [],
      },
      watch: kernelWatch(STATUS, true),
      openBeside: () => {
        opened += 1;
        const close = (): void => {
          closed += 1;
        };
        return { kind: 'open', source: { close } as unknown as RecordSource, notices: [] };
      },
      nameOf: (pid) => `program-${pid}`,
      tampers,
    });
    return {
      guard,
      changes,
      look(change: Partial<AuditStatus> = {}) {
        status = { ...STATUS, ...change };
        guard.look(0);
        return tampers.take().map(({ action, facts }) => [action, facts['pid']]);
      },
      tampers,
      counts: () => [opened, closed],
    };
  }

  it('reads the multicast group beside whoever took the stream, and goes back when that one leaves', () => {
    const { look, guard, counts } = stage();
    expect(look()).toEqual([]);
    expect(look({ pid: 99 })).toEqual([['audit-socket-taken', 99]]);
    expect(guard.beside()).toBeDefined();
    expect(look({ pid: 99 })).toEqual([]);
    expect(look({ pid: 0 })).toEqual([['audit-socket-regained', 10]]);
    expect(guard.beside()).toBeUndefined();
    expect(counts()).toEqual([1, 1]);
  });

  it('takes a stream back a bounded number of times', () => {
    let tries = 0;
    const { look } = stage(() => {
      tries += 1;
      return false;
    });
    for (let turn = 0; turn < RECLAIMS_MAX * 2; turn += 1) look({ pid: 0 });
    expect(tries).toBe(RECLAIMS_MAX);
  });

  it('undoes what the watch says, and nothing once it has ended', () => {
    const { look, guard, changes } = stage();
    look({ enabled: 0 });
    expect(changes).toEqual([{ enabled: 1 }]);
    guard.end();
    expect(look({ enabled: 0, pid: 99 })).toEqual([]);
    expect(changes).toHaveLength(1);
  });

  it('tells attempts with their name, so many and no more', () => {
    const { guard, tampers } = stage();
    let told = 0;
    for (let turn = 0; turn < ATTEMPTS_TOLD_MAX * 2; turn += 1) {
      guard.sawAttempt(7);
      told += tampers.take().length;
    }
    expect(told).toBe(ATTEMPTS_TOLD_MAX);
  });
});

describe('the clocks', () => {
  const FIRST = { wallMs: 1e12, monotonicMs: 5_000, bootMs: 6_000 };
  const moved = (wall: number, monotonic: number, boot: number) => ({
    wallMs: FIRST.wallMs + wall,
    monotonicMs: FIRST.monotonicMs + monotonic,
    bootMs: FIRST.bootMs + boot,
  });
  it.each([
    ['an ordinary second', moved(1_000, 1_000, 1_000), []],
    ['a time daemon at work', moved(1_000 + STEP_LEAST_MS - 1, 1_000, 1_000), []],
    ['a clock set forward', moved(61_000, 1_000, 1_000), [{ kind: 'set-forward', byMs: 60_000 }]],
    ['a night’s sleep', moved(36_001_000, 1_000, 36_001_000), [{ kind: 'slept', byMs: 36_000_000 }]],
    ['SIGSTOP', moved(10_000, 10_000, 10_000), [{ kind: 'stood-still', byMs: 10_000 }]],
    ['a busy machine', moved(2_900, STILL_LEAST_MS - 1, 2_999), []],
    ['a clock set back, which is another’s to tell', moved(-60_000, 1_000, 1_000), []],
  ])('tell %s', (_, clocks, changes) => {
    expect(clockWatch(FIRST).look(clocks)).toEqual(changes);
  });
});

describe('the collector’s own files', () => {
  const MARK: FileMark = { inode: '1:2', mode: 0o100600, uid: 0, gid: 0, size: 10, changedMs: 5 };
  it.each([
    ['fixed', { mode: 0o100644, changedMs: 6 }, 'mode'],
    ['fixed', { uid: 1000, changedMs: 6 }, 'owner'],
    ['fixed', { size: 11, changedMs: 6 }, 'written'],
    ['fixed', { changedMs: 6 }, 'written'],
    ['fixed', { inode: '1:3', changedMs: 6 }, 'file'],
    ['living', { mode: 0o100666 }, 'mode'],
  ] as const)('%s: %j is told as %s', (kind, change, changed) => {
    let now: FileMark = MARK;
    const files = watchOwnFiles([{ path: '/x', kind }], () => now);
    expect(files.look()).toEqual([]);
    now = { ...MARK, ...change };
    expect(files.look()).toMatchObject([{ action: 'own-file-changed', facts: { path: '/x', changed } }]);
    expect(files.look()).toEqual([]);
  });

  it('may be written where the collector itself writes them', () => {
    let now: FileMark = MARK;
    const files = watchOwnFiles([{ path: '/x', kind: 'living' }], () => now);
    now = { ...MARK, inode: '1:9', size: 99, changedMs: 99 };
    expect(files.look()).toEqual([]);
  });

  it('are missed once, and taken as they come when they come back', () => {
    let now: FileMark | undefined = MARK;
    const files = watchOwnFiles([{ path: '/x', kind: 'fixed' }], () => now);
    now = undefined;
    expect(files.look()).toMatchObject([{ action: 'own-file-removed' }]);
    expect(files.look()).toEqual([]);
    now = { ...MARK, size: 3 };
    expect(files.look()).toEqual([]);
  });

  it('are watched up to a number', () => {
    let looks = 0;
    const many = Array.from({ length: OWN_FILES_MAX * 2 }, (_, index) => ({
      path: `/${index}`,
      kind: 'fixed' as const,
    }));
    watchOwnFiles(many, () => {
      looks += 1;
      return undefined;
    });
    expect(looks).toBe(OWN_FILES_MAX);
  });

  it('and the host’s name are looked at every half minute of running', () => {
    let monotonicMs = 0;
    let name = 'web1';
    const watch = selfWatch([], {
      clocks: () => ({ wallMs: monotonicMs, monotonicMs, bootMs: monotonicMs }),
      hostName: () => name,
      mark: () => undefined,
    });
    name = 'web2';
    const told: string[] = [];
    for (; monotonicMs <= 60_000; monotonicMs += 1_000) told.push(...watch.look().tampers.map(({ action }) => action));
    expect(told).toEqual(['host-name-changed']);
  });
});

describe('what a start tells of the time before it', () => {
  const KILLED = { fromMs: 1_000, toMs: 3_000, wasPlanned: false, isNewBoot: false, counter: 5 };
  it('is a death and unwatched time, or a death alone where the socket was kept', () => {
    const unkept = tellDowntime(KILLED, false);
    expect(unkept.losses.map(({ source }) => source)).toEqual(['downtime']);
    expect(unkept.tampers[0]).toMatchObject({
      action: 'collector-was-killed',
      facts: { seconds: 2, socket_kept: false },
    });
    const kept = tellDowntime(KILLED, true);
    expect([kept.losses, kept.tampers[0]?.facts['socket_kept']]).toEqual([[], true]);
  });
  it('is no death after a stop in good order, or when the host itself went down', () => {
    expect(tellDowntime({ ...KILLED, wasPlanned: true }, false).tampers).toEqual([]);
    expect(tellDowntime({ ...KILLED, isNewBoot: true }, false).tampers).toEqual([]);
  });
  it('names what was cut off the spool, and nothing where it is whole or another boot’s', () => {
    const cut = cutOfSpool({ savedPosition: 90, recovered: { lastPosition: 80 }, nowMs: 1 });
    expect(cut.losses).toMatchObject([{ source: 'spool', atLeast: 10, firstPosition: 81, lastPosition: 90 }]);
    expect(cut.tampers).toMatchObject([{ action: 'spool-cut-short', facts: { events: 10 } }]);
    for (const savedPosition of [0, 80, 79])
      expect(cutOfSpool({ savedPosition, recovered: { lastPosition: 80 }, nowMs: 1 })).toEqual({
        losses: [],
        tampers: [],
      });
  });
});

describe('descriptors from systemd', () => {
  const env = { LISTEN_PID: '42', LISTEN_FDS: '2', LISTEN_FDNAMES: 'vedette-collector.socket:vedette-audit' };
  it('begin at 3, what was stored comes first', () => {
    expect(passedDescriptors(env, 42)).toEqual([4, 3]);
  });
  it('are another process’s when LISTEN_PID says so, and none when the numbers are nonsense', () => {
    expect(passedDescriptors(env, 43)).toEqual([]);
    for (const LISTEN_FDS of ['x', '-1', '0', '1.5', ''])
      expect(passedDescriptors({ ...env, LISTEN_FDS }, 42)).toEqual([]);
    expect(passedDescriptors({}, 42)).toEqual([]);
    expect(passedDescriptors({ LISTEN_PID: '42', LISTEN_FDS: '999999' }, 42)).toHaveLength(DESCRIPTORS_MAX);
  });
});
