// The fence of an engine that takes no events itself (delivery-fence.ts): it learns the hosts' progress as it is published, and trusts it
// once it has read everything that the store had acknowledged when the progress was learnt.
import { NOTHING_PASSED } from '../../engine/watermark.ts';
import type { FollowerFence } from '../delivery-fence.ts';
import { type ProgressSnapshot, settledMsOf, watermarksOfSnapshot } from './progress-snapshot.ts';

/** So many that are not trusted yet are remembered; of more, every other one is let go. */
const WAITING_MAX = 64;

export interface LearntProgress {
  readonly snapshot: ProgressSnapshot;
  /** What must have been read before. */
  readonly horizon: string;
}

export interface RemoteFence extends FollowerFence {
  learn(learnt: LearntProgress): void;
  /** The follower is at this place, with nothing to read. */
  reached(cursor: string): void;
}

export function createRemoteFence(options: {
  readonly hasPassed: (cursor: string, horizon: string) => boolean;
  /** Something more is trusted. */
  readonly onAdvance: () => void;
}): RemoteFence {
  const { hasPassed, onAdvance } = options;
  let waiting: LearntProgress[] = [];
  let trusted: LearntProgress | undefined;
  let cursor: string | undefined;

  const trustRead = (): boolean => {
    const place = cursor;
    if (place === undefined) return false;
    const last = waiting.findLastIndex(({ horizon }) => hasPassed(place, horizon));
    if (last === -1) return false;
    trusted = waiting[last];
    waiting = waiting.slice(last + 1);
    return true;
  };

  return {
    learn(one) {
      if (waiting.length >= WAITING_MAX) waiting = waiting.filter((_, at) => at % 2 === 0);
      waiting.push(one);
      if (trustRead()) onAdvance();
    },
    read(_ids, place) {
      if (place !== undefined) cursor = place;
      trustRead();
    },
    reached(place) {
      cursor = place;
      if (trustRead()) onAdvance();
    },
    mark: () => 0,
    caughtUp: () => undefined,
    needsCatchUp: () => false,
    holdAll() {
      if (trusted !== undefined) waiting.unshift(trusted);
      trusted = undefined;
      cursor = undefined;
    },
    watermarks: () => (trusted === undefined ? NOTHING_PASSED : watermarksOfSnapshot(trusted.snapshot)),
    settledMs: () => (trusted === undefined ? 0 : settledMsOf(trusted.snapshot)),
  };
}
