// How far the hosts are complete, as the server that takes their events publishes it for the engines: one document, written anew
// several times a second. All times are by that server's clock; an engine's own clock decides nothing.
import type { Watermarks } from '../../engine/engine.ts';
import type { Progress } from '../../event/progress.ts';
import { SharedStateDamaged } from '../../store/shared/shared-documents.ts';
import { watermarksAt } from '../delivery-fence.ts';

export const PROGRESS_ID = 'progress';
const FORMAT = 1;

/** What decides which alerts there are, and so must be the same for all engines. */
export interface SharedSettings {
  readonly latenessMs: number;
  readonly staleAfterMs: number;
  readonly alertOnImports: boolean;
  /** Events that are older than this have no rules of their own time, ms. */
  readonly horizonMs: number;
}

interface HostStanding {
  readonly hostId: string;
  readonly progress: Progress;
  /** When it arrived, epoch ms. */
  readonly atMs: number;
}

export interface ProgressSnapshot {
  /** Of the process that wrote it. */
  readonly run: string;
  /** Counts its snapshots; 0: it has only begun, and knows nothing of hosts yet. */
  readonly number: number;
  readonly atMs: number;
  readonly settings: SharedSettings;
  /** `event.created` of a document of the server's own that is being stored: folds over all hosts wait for it. */
  readonly ownMs: number | undefined;
  /** Of the hosts that are waited for. */
  readonly hosts: readonly HostStanding[];
}

type HostRow = readonly [id: string, bootId: string, position: number, createdMs: number, atMs: number];

export function snapshotText({ hosts, ...rest }: ProgressSnapshot): string {
  const rows = hosts.map(
    ({ hostId, progress: { bootId, position, createdMs }, atMs }): HostRow => [
      hostId,
      bootId,
      position,
      createdMs,
      atMs,
    ],
  );
  return JSON.stringify({ v: FORMAT, ...rest, hosts: rows });
}

/** Throws {@link SharedStateDamaged}. */
export function readSnapshot(text: string): ProgressSnapshot {
  const { v, hosts, ...rest } = JSON.parse(text) as Omit<ProgressSnapshot, 'hosts'> & {
    readonly v: unknown;
    readonly hosts: readonly HostRow[];
  };
  if (v !== FORMAT)
    throw new SharedStateDamaged(`the hosts' progress has format ${String(v)}, this version reads ${FORMAT}`);
  return {
    ...rest,
    ownMs: rest.ownMs,
    hosts: hosts.map(([hostId, bootId, position, createdMs, atMs]) => ({
      hostId,
      progress: { bootId, position, createdMs },
      atMs,
    })),
  };
}

/** The watermarks that hold once everything was read that was stored when the snapshot was made. */
export function watermarksOfSnapshot({ hosts, atMs, settings, ownMs }: ProgressSnapshot): Watermarks {
  const { latenessMs, staleAfterMs } = settings;
  const progress = new Map<string, Progress>();
  for (const host of hosts) if (atMs - host.atMs <= staleAfterMs) progress.set(host.hostId, host.progress);
  return watermarksAt(progress, { readUntilMs: atMs, latenessMs, ownMs });
}

/** Up to which `event.created` everything is there, epoch ms. */
export function settledMsOf({ hosts, atMs, settings }: ProgressSnapshot): number {
  return hosts
    .filter((host) => atMs - host.atMs <= settings.staleAfterMs)
    .reduce((least, { progress }) => Math.min(least, progress.createdMs), atMs);
}
