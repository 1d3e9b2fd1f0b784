// What somebody did to the watching itself: to the kernel's audit, to the collector, to its files. Each is told once as an event of
// `vedette.tamper`, so that a rule can match it. Who did it stands in the audit record of the deed, where the kernel made one.

/** What may happen to the watching, and what ECS calls it. */
export const TAMPER_ACTIONS = {
  /** Another process has become the owner of the audit socket. */
  'audit-socket-taken': { category: ['configuration', 'process'], type: ['change'] },
  /** Another process tried to become it, and the kernel refused. */
  'audit-socket-take-attempted': { category: ['configuration', 'process'], type: ['info'] },
  /** The socket is ours again. */
  'audit-socket-regained': { category: ['configuration'], type: ['info'] },
  /** The owner beside whom we read has gone. */
  'audit-owner-left': { category: ['configuration'], type: ['info'] },
  'audit-disabled': { category: ['configuration'], type: ['change'] },
  'audit-enabled-again': { category: ['configuration'], type: ['info'] },
  /** The configuration was locked until the next boot. */
  'audit-locked': { category: ['configuration'], type: ['change'] },
  /** Failure mode, limits or waiting time are not what they were. */
  'audit-settings-changed': { category: ['configuration'], type: ['change'] },
  'audit-rule-deleted': { category: ['configuration'], type: ['deletion'] },
  'audit-rule-added': { category: ['configuration'], type: ['creation'] },
  /** A rule of others leaves out what is to be seen. */
  'audit-exclusion-added': { category: ['configuration'], type: ['creation'] },
  'audit-rules-mended': { category: ['configuration'], type: ['change'] },
  /** The kernel has as many records waiting as it may hold: the next ones are lost. */
  'audit-backlog-full': { category: ['host'], type: ['info'] },
  /** It stood still (SIGSTOP, or a machine without time for it) and went on. */
  'collector-was-stopped': { category: ['process'], type: ['info'] },
  /** It ended without signing off, and runs again. */
  'collector-was-killed': { category: ['process'], type: ['end'] },
  /** A file of its own is another than the one it left. */
  'own-file-changed': { category: ['file', 'configuration'], type: ['change'] },
  'own-file-removed': { category: ['file', 'configuration'], type: ['deletion'] },
  /** The spool ends before what was surely in it. */
  'spool-cut-short': { category: ['file'], type: ['deletion'] },
  'host-name-changed': { category: ['host', 'configuration'], type: ['change'] },
  /** Not the host's own: a time namespace, or clocks that contradict each other. */
  'clock-manipulated': { category: ['host', 'configuration'], type: ['change'] },
} as const satisfies Readonly<
  Record<string, { readonly category: readonly string[]; readonly type: readonly string[] }>
>;

export type TamperAction = keyof typeof TAMPER_ACTIONS;

/** Texts in `facts` are cut to this many characters. */
export const FACT_CHARACTERS_MAX = 1_024;

export interface Tamper {
  readonly action: TamperAction;
  /** One sentence for people. */
  readonly reason: string;
  /** Under `vedette.tamper`: names with underscores; numbers, texts and truth values. */
  readonly facts: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** The most that wait to be told; what comes on top is counted and told as a number. */
export const TAMPERS_WAITING_MAX = 64;

/** What waits to be told: a source finds out, the reader tells. */
export interface TamperQueue {
  add(tamper: Tamper): void;
  /** All that waits, the oldest first; the last one says how many more there were. */
  take(): readonly Tamper[];
}

export function tamperQueue(): TamperQueue {
  let waiting: Tamper[] = [];
  let more = 0;
  return {
    add(tamper) {
      if (waiting.length < TAMPERS_WAITING_MAX) waiting.push(tamper);
      else more += 1;
    },
    take() {
      const last = waiting.at(-1);
      const taken = more === 0 || last === undefined ? waiting : [...waiting.slice(0, -1), withMore(last, more)];
      waiting = [];
      more = 0;
      return taken;
    },
  };
}

function withMore(tamper: Tamper, more: number): Tamper {
  return {
    ...tamper,
    reason: `${tamper.reason} ${more} more of the kind were not told one by one.`,
    facts: { ...tamper.facts, not_told: more },
  };
}
