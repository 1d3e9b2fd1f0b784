// The reading thread's shell: opens the source and the spool, steps the reader, sleeps in between, and talks to the shipping
// thread. The sleep is what saves CPU: records queue in the kernel meanwhile, and one drain takes them all. Longer than 300 lines, because
// only here may the clock, /proc and the host's own files be asked, and all parts of the reader are given theirs.
import { randomUUID } from 'node:crypto';
import { openSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import type { HostIdentity } from '../audit/event.ts';
import { makeFolder } from './durable-file.ts';
import { openFileSource } from './file-source.ts';
import { createLearntNames, type LearntNames } from './file-source-names.ts';
import { AGENT_VERSION, hostIdentity } from './host-identity.ts';
import { auditSocketsAmong } from './inherited-socket.ts';
import { openKernelSource } from './kernel-source.ts';
import type { LimitChange } from './limits.ts';
import { createLimits } from './limits-keeper.ts';
import { type Accounts, openAccounts, parseNames } from './lineage/accounts.ts';
import { createContainers } from './lineage/containers.ts';
import { openLineageJournal } from './lineage/journal.ts';
import { bootIdOf, type ProcView, procView } from './lineage/proc.ts';
import { createProcesses, type Processes } from './lineage/processes.ts';
import { openMulticastSource } from './multicast-source.ts';
import { waitReadable } from './netlink/idle-wait.ts';
import { lockDescriptor } from './netlink/libc.ts';
import type { Notice } from './options.ts';
import type { OwnFile } from './own-files.ts';
import { createReader, type Reader, type Step } from './reader.ts';
import type { FromReader, ReaderOptions, ToReader } from './reader-messages.ts';
import { loadReaderState, saveReaderState } from './reader-state.ts';
import { openRecordingSource, SHIPPED_RECORDING } from './recording-source.ts';
import { releaseStartPages } from './resident-memory.ts';
import { realPorts, selfWatch } from './self-watch.ts';
import type { RecordSource, SourceStart } from './source.ts';
import { folderDisk } from './spool/disk.ts';
import { spoolShared } from './spool/spool-shared.ts';
import { openSpoolWriter } from './spool/spool-writer.ts';

/** Nothing came: so long is waited for something, ms, then there may be what has to be flushed. */
const QUIET_MS = 250;
/** Sleep between drains, ms, by how much the last one brought; idle where there is no descriptor to wait for. */
const IDLE_MS = 50;
const BUSY_MS = 200;
const FLOOD_MS = 10;
/** A drain of so many records is as good as any; more of them at once only wait longer. */
const FULL_DRAIN_RECORDS = 2_000;
/** A queue that holds less (without CAP_NET_ADMIN it may be 200 KiB) is emptied more often, bytes; then the sleeps are a fifth. */
const LARGE_QUEUE_BYTES = 4 * 1024 * 1024;
const SMALL_QUEUE_PART = 5;
/** The shipping side hears of news at most this often, ms: at once when there was none for that long. */
const ANNOUNCE_EVERY_MS = 100;
/** The pages of the start are given back so long after it, ms; twice, since the first events need some that are never needed again. */
const SETTLED_MS = [1_000, 10_000] as const;
/** Draining what is on its way when stopping, ms. */
const LAST_DRAIN_MS = 500;

const options = workerData as ReaderOptions;

const limits = createLimits({
  options: options.limits,
  cost() {
    const { user, system } = process.cpuUsage();
    return { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
  },
  now: Date.now,
});
/** Set when the memory stays over its limit: this thread ends in good order, and the process with it. */
let restartReason: string | undefined;

function onLimit(change: LimitChange): void {
  if (change.kind === 'restart') restartReason = change.reason;
  if (change.kind === 'relieve') collectGarbage();
}

/** V8 gives memory back only when it collects all of it, and has no other word for that. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

function post(message: FromReader): void {
  parentPort?.postMessage(message);
}

function notify(notice: Notice): void {
  post({ kind: 'notice', notice });
}

function inherited(): ReturnType<typeof auditSocketsAmong> {
  return auditSocketsAmong(options.inheritedDescriptors);
}

/** Of followed logs: the names that their lines tell, beside this host's own where they are its own. */
const logNames: LearntNames = createLearntNames(
  options.source.kind === 'file' && options.source.host === 'this' ? openAccounts(Date.now) : undefined,
);
let spooledBytes = (): number => 0;

function openSource(): SourceStart {
  const { source } = options;
  if (source.kind === 'kernel') {
    return openKernelSource({ ...options, inheritedSocket: inherited().unicast, now: Date.now });
  }
  if (source.kind === 'multicast')
    return openMulticastSource({ inheritedSocket: inherited().multicast, now: Date.now });
  if (source.kind === 'file') {
    return openFileSource({
      ...source,
      folder: options.folder,
      nodes: [source.host === 'this' ? hostname() : source.host.name],
      names: logNames,
      isHeldBack: () => spooledBytes() > options.spoolBytesMax / 2,
      onNotice: notify,
      now: Date.now,
    });
  }
  return openRecordingSource({ file: source.file ?? SHIPPED_RECORDING, speed: source.speed, now: Date.now });
}

/** A recorded host is another host: its name, its boot, its accounts; nothing of this one. */
function identity(): { readonly host: HostIdentity; readonly accounts: Accounts; readonly proc: ProcView | undefined } {
  const { source, folder } = options;
  if (source.kind === 'file') {
    const agent = { type: 'vedette', version: AGENT_VERSION };
    const host = source.host === 'this' ? hostIdentity(folder, bootIdOf()) : { ...source.host, bootId: '', agent };
    return { host, accounts: logNames, proc: undefined };
  }
  if (source.kind !== 'recording') {
    return { host: hostIdentity(folder, bootIdOf()), accounts: openAccounts(Date.now), proc: procView(Date.now) };
  }
  const id = source.file === undefined ? 'demo-host' : 'recorded-host';
  const agent = { id, type: 'vedette', version: AGENT_VERSION };
  const more = { hostname: id, os: { type: 'linux' } };
  return {
    host: { id, name: id, bootId: randomUUID(), host: more, agent },
    accounts: recordedAccounts(source.file),
    proc: undefined,
  };
}

/** Names beside the recording: `x.log` has them in `x.passwd` and `x.group`. */
function recordedAccounts(file: string | undefined): Accounts {
  const base = (file ?? SHIPPED_RECORDING.pathname).replace(/\.log$/, '');
  const names = (path: string): ReadonlyMap<number, string> => {
    try {
      return parseNames(readFileSync(path, 'utf8'));
    } catch {
      return new Map();
    }
  };
  const users = names(`${base}.passwd`);
  const groups = names(`${base}.group`);
  return { userName: (uid) => users.get(uid), groupName: (gid) => groups.get(gid) };
}

interface Started {
  readonly reader: Reader;
  readonly source: RecordSource;
}

function start(): Started | undefined {
  makeFolder(options.folder);
  // The lock lives as long as this process, whatever ends it.
  if (lockDescriptor(openSync(join(options.folder, 'lock'), 'a', 0o600)) < 0) {
    post({ kind: 'refused', refusal: { kind: 'folder-in-use' } });
    return undefined;
  }
  // The kernel comes first: what happens while the rest is made ready waits in the socket. Whatever fails after it puts it back.
  const opened = openSource();
  if (opened.kind === 'refused') {
    post({ kind: 'refused', refusal: opened.refusal });
    return undefined;
  }
  try {
    const { host, accounts, proc } = identity();
    const reader = createReader({
      source: opened.source,
      spool: openSpoolWriter({
        disk: folderDisk(join(options.folder, 'spool')),
        shared: spoolShared(options.shared),
        bootId: host.bootId,
        bytesMax: options.spoolBytesMax,
        ageMsMax: options.spoolAgeMsMax,
      }),
      host,
      accounts,
      processes: processesOf(host, proc),
      now: Date.now,
      ...(proc === undefined ? {} : { selfWatch: selfWatch(ownFiles(), realPorts(Date.now)) }),
      previous: loadReaderState(options.folder),
      save: (state, mustSurvivePowerLoss) => saveReaderState(options.folder, state, mustSurvivePowerLoss),
      cost,
      onNotice: notify,
      limits,
      onLimit,
    });
    spooledBytes = () => reader.figures().spoolBytes;
    for (const notice of opened.notices) notify(notice);
    post({ kind: 'ready', mode: opened.source.mode, host: { id: host.id, name: host.name } });
    return { reader, source: opened.source };
  } catch (error) {
    opened.source.close();
    throw error;
  }
}

function processesOf(host: HostIdentity, proc: ProcView | undefined): Processes {
  const of = { hostId: host.id, bootId: host.bootId, proc, budget: limits.budget };
  if (proc === undefined) return createProcesses(of);
  const processes = createProcesses({
    ...of,
    journal: openLineageJournal(options.folder, host.bootId),
    containers: createContainers(),
    hashesExecutables: options.hashesExecutables,
  });
  processes.open();
  return processes;
}

/** What nobody but the collector, or who installs it, has a reason to change. */
function ownFiles(): readonly OwnFile[] {
  const { folder } = options;
  const fixed = [process.execPath, ...options.ownFiles, '/etc/machine-id'];
  const names = ['spool', 'reader.json', 'kernel.json', 'token', 'lock'];
  const living = [folder, ...names.map((name) => join(folder, name))];
  return [
    ...fixed.map((path) => ({ path, kind: 'fixed' as const })),
    ...living.map((path) => ({ path, kind: 'living' as const })),
  ];
}

function cost(): Readonly<Record<string, number>> {
  const { user, system } = process.cpuUsage();
  return {
    cpu_user_ms: Math.round(user / 1000),
    cpu_system_ms: Math.round(system / 1000),
    rss_bytes: process.memoryUsage.rss(),
  };
}

function sleepAfter(step: Step, isQueueLarge: boolean): number {
  if (step.hasMore) return 0;
  if (step.records === 0) return IDLE_MS;
  const sleepMs = Math.max(FLOOD_MS, Math.min(BUSY_MS, (BUSY_MS * FULL_DRAIN_RECORDS) / step.records));
  return isQueueLarge ? sleepMs : sleepMs / SMALL_QUEUE_PART;
}

function run({ reader, source }: Started): void {
  let isClosing = false;
  let timer: NodeJS.Timeout | undefined;
  let hasNews = false;
  let announcedMs = 0;
  let wasWoken = false;
  const isQueueLarge = (source.queueBytes?.() ?? LARGE_QUEUE_BYTES) >= LARGE_QUEUE_BYTES;

  function announce(): void {
    post({ kind: 'spooled', promise: reader.promise(), figures: reader.figures() });
  }

  function turn(): void {
    if (isClosing) return;
    const step = reader.step();
    hasNews ||= step.isNews;
    const nowMs = Date.now();
    if (hasNews && (nowMs - announcedMs >= ANNOUNCE_EVERY_MS || nowMs < announcedMs)) {
      hasNews = false;
      announcedMs = nowMs;
      announce();
    }
    if (restartReason !== undefined) {
      close();
      throw new Error(restartReason);
    }
    const waitMs = limits.waitMs(sleepAfter(step, isQueueLarge));
    // A socket that says it is readable and gives nothing (an error that stays) must not spin.
    const fd = step.records > 0 || step.hasMore || waitMs > IDLE_MS || wasWoken ? undefined : source.descriptor?.();
    wasWoken = false;
    if (fd === undefined) timer = setTimeout(turn, waitMs);
    // What was spooled last must not wait for the next event, or for the end of the quiet, to be heard of.
    else
      waitReadable(fd, hasNews ? ANNOUNCE_EVERY_MS : QUIET_MS, (isReadable) => {
        wasWoken = isReadable;
        setImmediate(turn);
      });
  }

  function close(): void {
    isClosing = true;
    clearTimeout(timer);
    reader.step();
    reader.quiesce();
    const untilMs = Date.now() + LAST_DRAIN_MS;
    while (reader.step().records > 0 && Date.now() < untilMs);
    reader.close();
    announce();
    post({ kind: 'closed' });
  }

  parentPort?.on('message', (message: ToReader) => {
    if (isClosing) return;
    switch (message.kind) {
      case 'exclude':
        reader.excludePids(message.pids);
        break;
      case 'losses':
        if (reader.keepLosses(message.losses)) post({ kind: 'losses-kept', batch: message.batch });
        announce();
        break;
      case 'shipping':
        reader.setShipping(message.figures);
        break;
      case 'close':
        close();
        break;
    }
  });
  announce();
  turn();
}

const started = start();
if (started !== undefined) {
  run(started);
  for (const ms of SETTLED_MS) setTimeout(releaseStartPages, ms).unref();
}
