// The fence of an engine that takes no events itself (delivery-fence.ts): it learns the hosts' progress as it is published, and trusts it
// once it has read everything that the store had acknowledged when the progress was learnt.
import { NOTHING_PASSED } from '../../engine/watermark.ts';
import type { FollowerFence } from '../delivery-fence.ts';
import { type ProgressSnapshot, settledMsOf, watermarksOfSnapshot } from './progress-snapshot.ts';

/** So many that are not trusted yet are remembered; of more, every other one is let go. */
const WAITING_MAX = 64;

export interface LearntProgress {
  readonly snapshot: ProgressSnapshot;
  /** What must have been read before; undefined where the store cannot say, and a look that finds nothing has to do. */
  readonly horizon: string | undefined;
}

export interface RemoteFence extends FollowerFence {
  learn(learnt: LearntProgress): void;
}

export function createRemoteFence(options: {
  readonly hasPassed: (cursor: string, horizon: string) => boolean;
  /** Something more is trusted. */
  readonly onAdvance: () => void;
}): RemoteFence {
  const { hasPassed, onAdvance } = options;
  let waiting: (LearntProgress & { readonly number: number })[] = [];
  let learnt = 0;
  let trusted: ProgressSnapshot | undefined;
  let cursor: string | undefined;

  const trust = (isRead: (one: (typeof waiting)[number]) => boolean): boolean => {
    const last = waiting.findLastIndex(isRead);
    if (last === -1) return false;
    trusted = waiting[last]?.snapshot;
    waiting = waiting.slice(last + 1);
    return true;
  };
  const trustRead = (): boolean => {
    const place = cursor;
    if (place === undefined) return false;
    return trust(({ horizon }) => horizon !== undefined && hasPassed(place, horizon));
  };

  return {
    learn(one) {
      learnt += 1;
      if (waiting.length >= WAITING_MAX) waiting = waiting.filter((_, at) => at % 2 === 0);
      waiting.push({ ...one, number: learnt });
      if (trustRead()) onAdvance();
    },
    read(_ids, place) {
      if (place !== undefined) cursor = place;
      trustRead();
    },
    mark: () => learnt,
    caughtUp(mark) {
      if (trust(({ horizon, number }) => horizon === undefined && number <= mark)) onAdvance();
    },
    needsCatchUp: () => trusted === undefined && waiting.some(({ horizon }) => horizon === undefined),
    holdAll() {
      if (trusted !== undefined) waiting.unshift({ snapshot: trusted, horizon: undefined, number: learnt });
      trusted = undefined;
      cursor = undefined;
    },
    watermarks: () => (trusted === undefined ? NOTHING_PASSED : watermarksOfSnapshot(trusted)),
    settledMs: () => (trusted === undefined ? 0 : settledMsOf(trusted)),
  };
}
