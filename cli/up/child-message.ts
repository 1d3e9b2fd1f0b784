// What `vedette up` and its two children say to each other over the IPC channel. Both ends are of one version, so that the
// messages are typed and not checked; a closed channel tells a child that its parent is gone.
import type { Mode, Refusal } from '../../collector/options.ts';
import type { Diagnostic } from '../../rules/diagnostic.ts';
import type { Failure } from '../failure.ts';

export interface ServerReady {
  readonly kind: 'server-ready';
  readonly url: string;
  readonly enrollmentSecretFile: string;
  readonly store: string;
  readonly ruleFolders: readonly string[];
  readonly rulesLoaded: number;
  readonly diagnostics: readonly Diagnostic[];
  readonly channels: readonly string[];
}

export interface CollectorReady {
  readonly kind: 'collector-ready';
  readonly mode: Mode;
  readonly refused: readonly { readonly source: 'kernel' | 'multicast'; readonly refusal: Refusal }[];
  readonly hostId: string;
  readonly hostName: string;
}

export type ChildMessage =
  | ServerReady
  | CollectorReady
  | {
      readonly kind: 'notice';
      readonly level: 'info' | 'warning' | 'error';
      readonly code?: string;
      readonly text: string;
    }
  /** It cannot start, and says why; its exit follows. */
  | { readonly kind: 'refused'; readonly failure: Failure };

export type SupervisorMessage =
  | { readonly kind: 'stop' }
  /** To the collector: the server was started again under another pid. */
  | { readonly kind: 'exclude'; readonly pids: readonly number[] };

/** Set by the supervisor on the children's command line. */
export const SUPERVISED = 'supervised';
