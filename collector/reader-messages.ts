// What the two threads of a collector say to each other. Events never go this way: they go through the spool's files.
import type { Progress } from '../event/progress.ts';
import type { RulesProfile } from './audit-rules/default-rules.ts';
import type { LimitOptions } from './limits.ts';
import type { Loss } from './loss-ledger.ts';
import type { FileSourceOptions, Mode, Notice, Refusal } from './options.ts';

/** What the reading thread is started with. */
export interface ReaderOptions {
  readonly folder: string;
  readonly source:
    | { readonly kind: 'kernel' }
    | { readonly kind: 'multicast' }
    | { readonly kind: 'recording'; readonly file: string | undefined; readonly speed: number }
    | FileSourceOptions;
  readonly rulesProfile: RulesProfile;
  readonly rulesFiles: readonly string[];
  readonly mendsRules: boolean;
  readonly rulesScope: string | undefined;
  readonly excludePids: readonly number[];
  readonly spoolBytesMax: number;
  readonly spoolAgeMsMax: number;
  readonly hashesExecutables: boolean;
  /** Descriptors that were handed to this process; audit sockets may be among them. */
  readonly inheritedDescriptors: readonly number[];
  readonly notifySocket: string | undefined;
  /** Files that nobody changes while the collector runs: its configuration. */
  readonly ownFiles: readonly string[];
  readonly limits: LimitOptions;
  /** See spool-shared.ts. */
  readonly shared: SharedArrayBuffer;
}

/** Figures of the shipping side, for the status document. */
export interface ShippingFigures {
  readonly delivered: number;
  readonly rejected: number;
}

export interface ReadingFigures {
  readonly records: number;
  readonly events: number;
  readonly spooled: number;
  readonly spoolBytes: number;
  readonly lostAtLeast: number;
  readonly position: number;
}

export type ToReader =
  | { readonly kind: 'exclude'; readonly pids: readonly number[] }
  /** Losses that the shipping side found; confirmed by `losses-kept` when they are in the spool. */
  | { readonly kind: 'losses'; readonly batch: number; readonly losses: readonly Loss[] }
  | { readonly kind: 'shipping'; readonly figures: ShippingFigures }
  | { readonly kind: 'close' };

export type FromReader =
  | { readonly kind: 'ready'; readonly mode: Mode; readonly host: { readonly id: string; readonly name: string } }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** Once a second, and whenever something was spooled. Nothing with an earlier `event.created` than the promise's will come. */
  | { readonly kind: 'spooled'; readonly promise: Progress; readonly figures: ReadingFigures }
  | { readonly kind: 'losses-kept'; readonly batch: number }
  | { readonly kind: 'notice'; readonly notice: Notice }
  | { readonly kind: 'closed' };
