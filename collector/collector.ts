// Starts and stops the collector: a reader thread (kernel → spool) and, in this one, shipping (spool → server).
import type { CollectorOptions, CollectorStart } from './options.ts';

/** Starts collecting. An expected failure (no permission, another owner, …) is a value; with source `auto` there is none of these. */
export async function startCollector(_options: CollectorOptions): Promise<CollectorStart> {
  return { kind: 'refused', refusal: { kind: 'failed', reason: 'not yet built' } };
}
