// Detections that wait for their watermark: per host where the suppression key holds the host, else all together. Released in
// reference order; bounded, and what must go before its time is named, not dropped.
import { compareOrder } from '../event/order.ts';
import type { SuppressedDetection } from './candidate-detection.ts';
import type { Watermarks } from './engine.ts';
import type { EngineLimits } from './limits.ts';

export interface Pending {
  /** False when this very detection waits already. */
  add(candidate: SuppressedDetection): boolean;
  /** Takes out what the watermarks have passed, and the earliest of what is too much. In no particular order. */
  release(watermarks: Watermarks): readonly Released[];
  has(detectionId: string): boolean;
  size(): number;
}

interface Released {
  readonly candidate: SuppressedDetection;
  /** True when its watermark had not passed it. */
  readonly isForced: boolean;
}

interface Queue {
  readonly candidates: SuppressedDetection[];
  isSorted: boolean;
}

const ACROSS_HOSTS = 'all';

export function createPending(limits: EngineLimits): Pending {
  const ids = new Set<string>();
  const queues = new Map<string, Queue>();

  return {
    add(candidate) {
      const { id } = candidate.detection;
      if (ids.has(id)) return false;
      ids.add(id);
      const name = queueName(candidate);
      const queue = queues.get(name) ?? { candidates: [], isSorted: true };
      queue.candidates.push(candidate);
      queue.isSorted = false;
      queues.set(name, queue);
      return true;
    },
    release(watermarks) {
      const released: Released[] = [];
      const share = ids.size > limits.pendingMax ? Math.floor(limits.pendingMax / queues.size) : limits.pendingMax;
      for (const [name, queue] of queues) {
        const { candidates } = queue;
        if (!queue.isSorted) candidates.sort(byOrder);
        queue.isSorted = true;
        const passed = passedCount(candidates, name === ACROSS_HOSTS ? watermarks.allPassed : watermarks.hostPassed);
        const max = name === ACROSS_HOSTS ? limits.pendingAcrossHostsMax : limits.pendingPerHostMax;
        const taken = candidates.splice(0, Math.max(passed, candidates.length - Math.min(max, share)));
        taken.forEach((candidate, place) => {
          ids.delete(candidate.detection.id);
          released.push({ candidate, isForced: place >= passed });
        });
        if (candidates.length === 0) queues.delete(name);
      }
      return released;
    },
    has: (detectionId) => ids.has(detectionId),
    size: () => ids.size,
  };
}

/** When one is passed, nothing before it is still to come, so all before it are passed too. */
function passedCount(sorted: readonly SuppressedDetection[], passed: Watermarks['hostPassed']): number {
  let count = sorted.length;
  while (count > 0 && !passed((sorted[count - 1] as SuppressedDetection).detection.order)) count -= 1;
  return count;
}

function queueName(candidate: SuppressedDetection): string {
  return candidate.scope === 'host' ? `host ${candidate.detection.order.hostId}` : ACROSS_HOSTS;
}

function byOrder(a: SuppressedDetection, b: SuppressedDetection): number {
  return compareOrder(a.detection.order, b.detection.order);
}
