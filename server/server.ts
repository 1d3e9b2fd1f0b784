// Puts the rooms together: state, store, rules, engine, alerts, HTTP; and takes them apart again in the opposite order. What is
// half started when something fails is closed before the failure is told.

import { neededFields } from '../rules/needed-fields.ts';
import type { EventStore } from '../store/port.ts';
import { openSqliteState, type SqliteState } from '../store/state/sqlite-state.ts';
import { ensureSystemAccounts } from './accounts.ts';
import { createAlertOutlet } from './alert-outlet.ts';
import { createAttempts } from './attempts.ts';
import { createBodyDesk } from './body-desk.ts';
import { createBodyThread } from './body-thread.ts';
import { freeBytesOf, openStoreOrSay, orUnusable, shareEngineOrSay, takeFolder } from './data-folder.ts';
import { createDeliveryFence, type DeliveryFence } from './delivery-fence.ts';
import { createEngineRunner, type EngineRunner, savedGreatestCreatedMs } from './engine-runner.ts';
import { failureText } from './failure-text.ts';
import { createFieldWatch } from './field-watch.ts';
import { createForeignDocuments } from './foreign-documents.ts';
import { createHostBook, type HostBook } from './host-book.ts';
import { createHttp, type Http } from './http.ts';
import { createIngest } from './ingest.ts';
import { createLanes } from './lane.ts';
import {
  DEFAULT_HOST,
  DEFAULT_LATENESS_MS,
  DEFAULT_LOW_DISK_BYTES,
  DEFAULT_PORT,
  DEFAULT_RETENTION_DAYS,
  DEFAULT_SILENCE_AFTER_MS,
  type RunningServer,
  type ServerOptions,
  ServerStartError,
  secretFilesOf,
} from './options.ts';
import { createOwnEvents } from './own-events.ts';
import { createQuarantineBook, type QuarantineBook } from './quarantine-book.ts';
import { createQuotas } from './quota.ts';
import { createRetention } from './retention.ts';
import { alertRoutes } from './routes-alerts.ts';
import { aroundRoutes } from './routes-around.ts';
import { backtestRoutes } from './routes-backtest.ts';
import { checkRoutes } from './routes-check.ts';
import { decisionRoutes } from './routes-decisions.ts';
import { elasticRoutes } from './routes-elastic.ts';
import { exportRoutes } from './routes-export.ts';
import { followRoutes } from './routes-follow.ts';
import { holdRoutes } from './routes-holds.ts';
import { hostRoutes } from './routes-hosts.ts';
import { metricsRoutes, type ProcessFigures } from './routes-metrics.ts';
import { ruleRoutes } from './routes-rules.ts';
import { searchRoutes } from './routes-search.ts';
import { sqlRoutes } from './routes-sql.ts';
import { statusRoutes } from './routes-status.ts';
import { treeRoutes } from './routes-tree.ts';
import { createRuleBook, type RuleBook } from './rule-book.ts';
import { createRuleCatchUp } from './rule-catch-up.ts';
import { createRuleReport, type RuleReport } from './rule-report.ts';
import { watchRules } from './rule-watch.ts';
import { createSearchDesk } from './search-desk.ts';
import { createSeenFields } from './seen-fields.ts';
import type { GroupStatus } from './shared/engine-replica.ts';
import { NO_OUTBOX } from './shared/server-sharing.ts';
import { isImported } from './silence.ts';
import { createSilenceWatch } from './silence-watch.ts';
import { createStepMessages } from './step-messages.ts';
import { createSweeper } from './sweeper.ts';
import { openTlsListener, type TlsListener } from './tls-listener.ts';

/** So long requests under way may take to finish when the server stops. */
const DRAIN_MS = 1_500;
const DAY_MS = 86_400_000;
/** Further behind than this the engine gives way to nobody: what memory holds no more it reads from the log, which costs senders more. */
const ENGINE_BEHIND_MAX = 12_000;

/** Starts a server. Throws {@link ServerStartError} for what the person who starts it can mend. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async (): Promise<void> => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
      try {
        await closer();
      } catch (error) {
        options.onNotice({ kind: 'error', message: `while stopping: ${failureText(error)}` });
      }
    }
  };
  try {
    return await start(options, closers, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function start(
  options: ServerOptions,
  closers: (() => Promise<void> | void)[],
  closeAll: () => Promise<void>,
): Promise<RunningServer> {
  const { now, onNotice } = options;
  const startedMs = now();
  const silenceAfterMs = options.silenceAfterMs ?? DEFAULT_SILENCE_AFTER_MS;
  const retentionDays = options.retention?.days ?? DEFAULT_RETENTION_DAYS;
  const alertOnImports = options.alertOnImports ?? false;
  const secretFiles = secretFilesOf(options.dataFolder);

  closers.push(takeFolder(options.dataFolder));
  const state = orUnusable(() => openSqliteState(`${options.dataFolder}/server/state.sqlite`));
  closers.push(() => state.close());
  const { enrollmentSecret, warnings } = ensureSystemAccounts(state.accounts, secretFiles, startedMs);
  for (const message of warnings) onNotice({ kind: 'warning', message });
  const opened = await openStoreOrSay(options);
  closers.push(() => opened.close());
  const latenessMs = options.latenessMs ?? DEFAULT_LATENESS_MS;
  const horizonMs = retentionDays * DAY_MS;
  const sharing = await shareEngineOrSay(options, {
    ...{ state, now, onNotice },
    store: opened,
    settings: { latenessMs, staleAfterMs: silenceAfterMs, alertOnImports, horizonMs },
    quarantines: () => quarantines,
    ruleIds: () => rules.rules().map(({ id }) => id),
  });
  if (sharing !== undefined) closers.push(() => sharing.close());
  const store = sharing?.store ?? opened;

  const outbox = sharing === undefined ? state.outbox : NO_OUTBOX;
  const outlet = createAlertOutlet({ options: options.channels, outbox, now, onNotice });
  closers.push(() => outlet.close());
  const rules = createRuleBook({
    folders: options.ruleFolders,
    log: state.controlLog,
    horizonMs,
    now,
    onNotice,
  });
  const { epochs = [] } = rules.load(savedGreatestCreatedMs(state.engine));
  const fields = createSeenFields(state.engine.loadState(), now);
  const wantFields = (): void => fields.want(rules.rules().flatMap((rule) => [...neededFields(rule)]));
  wantFields();

  let runner: EngineRunner | undefined;
  let isPressed = (): boolean => false;
  const fence =
    sharing?.fence ??
    createDeliveryFence({ latenessMs, staleAfterMs: silenceAfterMs, onAdvance: () => runner?.advance() });
  const hosts = createHostBook(state.hosts);
  const isRevoked = (hostId: string): boolean => state.accounts.byId(hostId)?.isRevoked !== false;
  restoreHosts(fence, hosts, { isRevoked, nowMs: startedMs });
  const ownEvents = createOwnEvents({ store, fence, now });
  const quarantines = createQuarantineBook({ log: state.controlLog, events: ownEvents, now, onNotice });
  const { channelNames, reachable } = outlet;
  const messages = createStepMessages({ alerts: state.alerts, channelNames, reachable });
  const ownRunner = (): EngineRunner =>
    createEngineRunner({
      store,
      state: state.engine,
      fence,
      epochs,
      quarantines,
      fields,
      alertOnImports,
      now,
      onNotice,
      notificationsOf: outlet.notificationsOf,
      messagesOf: messages.of,
      onOutbox: outlet.wake,
      isPressed: () => isPressed() && fence.unread() < ENGINE_BEHIND_MAX,
    });
  const engineRunner = sharing?.replica ?? orUnusable(ownRunner);
  runner = engineRunner;
  closers.push(() => engineRunner.close());
  const lanes = createLanes();
  const silence = createSilenceWatch({ store, hosts, fence, lanes, isRevoked, silenceAfterMs, now, onNotice });
  closers.push(() => silence.close());
  const retention = createRetention({
    store,
    state,
    events: ownEvents,
    limits: { lowDiskBytes: DEFAULT_LOW_DISK_BYTES, ...options.retention, days: retentionDays },
    ...(options.store.kind === 'embedded' ? { freeBytes: () => freeBytesOf(options.dataFolder) } : {}),
    now,
    onNotice,
  });
  closers.push(() => retention.close());

  const http = createHttp({
    accounts: state.accounts,
    onFailure: (error, route) => onNotice({ kind: 'error', message: `${route} failed: ${failureText(error)}` }),
  });
  closers.push(() => closeHttp(http));
  const enrollment = { accounts: state.accounts, hosts, attempts: createAttempts(), enrollmentSecret };
  const foreign = createForeignDocuments(state.openRecords);
  const quotas = createQuotas((hostId) => hosts.get(hostId)?.quota ?? options.quota);
  const { hostCameBack } = silence;
  const bodyThread = createBodyThread();
  closers.push(() => bodyThread.close());
  const bodies = createBodyDesk(bodyThread);
  const ingest = createIngest({ store, hosts, fence, lanes, now, foreign, quotas, bodies, hostCameBack });
  isPressed = ingest.isPressed;
  const sweep = async (): Promise<void> => {
    await ingest.sweep();
    await quarantines.retell();
  };
  const sweeper = createSweeper({ sweep, onNotice });
  closers.push(() => sweeper.close());
  elasticRoutes(http, ingest, now);
  checkRoutes(http, { store });
  holdRoutes(http, { holds: state.holds, hosts, events: ownEvents, now });
  hostRoutes(http, { enrollment, accounts: state.accounts, hosts, fence, now });
  const fieldWatch = createFieldWatch({ fields, store, now, onNotice });
  closers.push(() => fieldWatch.close());
  const catchUp = createRuleCatchUp({
    ...{ store, quarantines, onNotice },
    epochsSince: rules.epochsSince,
    isEvaluated: ({ document }) => alertOnImports || !isImported(document),
    settledMs: () => fence.settledMs(now()),
    judgeAgain: engineRunner.judgeAgain,
    doneMs: engineRunner.judgedAgainMs,
    onCaughtUp: engineRunner.useQuarantines,
  });
  closers.push(() => catchUp.close());
  const onReleased = (): void => {
    // Rules on many events come into force anew: that is in the epochs.
    engineRunner.useRules(rules.epochs());
    if (sharing === undefined) catchUp.wake();
  };
  const report = createRuleReport({ rules, quarantines, runner: engineRunner, fields });
  ruleRoutes(http, { report, quarantines, runner: engineRunner, onReleased, now });
  const { channelNames: channels } = outlet;
  readingRoutes(http, {
    ...{ options, state, store, rules, fence, runner: engineRunner, quarantines, report, channels },
    groups: sharing?.replica.groups,
  });
  metricsRoutes(http, {
    version: options.version,
    ...{ startedMs, now, store, runner: engineRunner, fence, outbox: state.outbox, report },
    hosts: () => hosts.list().map((host) => ({ ...host, isRevoked: isRevoked(host.id) })),
    ruleErrors: () => rules.summary().diagnostics.filter(({ severity }) => severity === 'error').length,
    process: processFigures,
  });

  const { url, port } = await listen(http, options);
  const tls = options.tls === undefined ? undefined : await openTlsListener(options.tls, http.app.routing);
  if (tls !== undefined) closers.push(() => tls.close());
  engineRunner.start();
  sharing?.start();
  outlet.wake();
  silence.start();
  sweeper.start();
  fieldWatch.start();
  // Of rules that other processes evaluate, those catch up.
  if (sharing === undefined) catchUp.wake();
  retention.start();
  onNotice({ kind: 'listening', message: `listening on ${url}` });
  if (tls !== undefined) onNotice({ kind: 'listening', message: `listening with TLS on port ${tls.port}` });

  const loadRules = (): ReturnType<RunningServer['rules']> => {
    const { epochs: changed } = rules.load(engineRunner.greatestCreatedMs());
    if (changed !== undefined) engineRunner.useRules(changed);
    wantFields();
    return rules.summary();
  };
  if (options.watchesRules === true) closers.push(watchOwnRules(options, loadRules));

  let closing: Promise<void> | undefined;
  return {
    url,
    port,
    tlsPort: tls?.port,
    secretFiles,
    rules: rules.summary,
    async reloadRules() {
      reloadTls(tls, onNotice);
      return loadRules();
    },
    close() {
      closing ??= closeAll();
      return closing;
    },
  };
}

/** What the process uses, by its own word. */
function processFigures(): ProcessFigures {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1_000_000,
    residentBytes: process.memoryUsage.rss(),
    threadBusySeconds: performance.eventLoopUtilization().active / 1_000,
  };
}

/** What ends the watching of the user's own rule folders. */
function watchOwnRules({ ruleFolders, onNotice }: ServerOptions, load: () => void): () => void {
  const paths = ruleFolders.filter(({ kind }) => kind === 'own').map(({ path }) => path);
  if (paths.length === 0) return () => undefined;
  const onChange = (): void => {
    try {
      load();
    } catch (error) {
      onNotice({ kind: 'error', message: `the rules could not be read again: ${failureText(error)}` });
    }
  };
  const watching = watchRules({ paths, onChange });
  return () => watching.close();
}

function reloadTls(tls: TlsListener | undefined, onNotice: ServerOptions['onNotice']): void {
  try {
    tls?.reload();
  } catch (error) {
    onNotice({ kind: 'error', message: `the certificate was not taken, the former one stays: ${failureText(error)}` });
  }
}

/** The routes of people: they read what the others have written. */
function readingRoutes(
  http: Http,
  parts: {
    readonly options: ServerOptions;
    readonly state: SqliteState;
    readonly store: EventStore;
    readonly rules: RuleBook;
    readonly fence: DeliveryFence;
    readonly runner: EngineRunner;
    readonly quarantines: QuarantineBook;
    readonly report: () => readonly RuleReport[];
    readonly groups: (() => readonly GroupStatus[]) | undefined;
    readonly channels: readonly string[];
  },
): void {
  const { options, state, store, rules, fence, runner, quarantines, report, groups, channels } = parts;
  const { version, now, alertOnImports = false } = options;
  alertRoutes(http, { alerts: state.alerts, store, ruleOf: rules.ofVersion });
  decisionRoutes(http, {
    ...{ alerts: state.alerts, store, epochsSince: rules.epochsSince, quarantines: quarantines.list },
    settledMs: () => fence.settledMs(now()),
  });
  const searching = { store, desk: createSearchDesk(http.closing), now };
  searchRoutes(http, searching);
  aroundRoutes(http, searching);
  treeRoutes(http, searching);
  followRoutes(http, searching);
  sqlRoutes(http, { store, now });
  exportRoutes(http, { store, now });
  backtestRoutes(http, {
    store,
    alerts: state.alerts,
    now,
    alertOnImports,
    readRule: rules.readText,
    rulesInForce: rules.rules,
    epochsSince: rules.epochsSince,
    quarantines: quarantines.holding,
    settledMs: () => fence.settledMs(now()),
  });
  const startedMs = now();
  statusRoutes(http, {
    version,
    startedMs,
    store,
    runner,
    fence,
    report,
    ...(groups === undefined ? {} : { groups }),
    now,
    outbox: state.outbox,
    holds: state.holds,
    channels,
    rules: rules.summary,
  });
}

/** Hosts take their saved progress up again, which holds once the engine has read what was stored before the start. */
function restoreHosts(
  fence: DeliveryFence,
  hosts: HostBook,
  options: { readonly isRevoked: (hostId: string) => boolean; readonly nowMs: number },
): void {
  const { isRevoked, nowMs } = options;
  for (const { id, progress, silentSinceMs, isSignedOff } of hosts.list()) {
    if (progress === undefined) continue;
    fence.restore(id, progress, { nowMs, isAbsent: silentSinceMs !== undefined || isSignedOff || isRevoked(id) });
  }
  fence.holdAll(nowMs);
}

async function listen({ app }: Http, options: ServerOptions): Promise<{ readonly url: string; readonly port: number }> {
  const host = options.host ?? DEFAULT_HOST;
  const wanted = options.port ?? DEFAULT_PORT;
  try {
    await app.listen({ host, port: wanted, listenTextResolver: () => '' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    const remedy = 'Stop what listens there, or choose another port.';
    throw new ServerStartError('port-taken', `port ${wanted} on ${host} is taken`, remedy);
  }
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : wanted;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, port };
}

/** Stops listening, lets requests under way finish, and then waits no longer. */
async function closeHttp({ app }: Http): Promise<void> {
  const timer = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS);
  await app.close();
  clearTimeout(timer);
}
