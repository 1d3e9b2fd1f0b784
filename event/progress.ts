// A host's progress: its promise that nothing earlier will come. It travels as a header of each `_bulk` request (and alone
// every 5 s when idle), and lets the fold of suppression and windows go on without guessing (docs/architecture.md, promise 3).

export interface Progress {
  readonly bootId: string;
  /** Every event of this boot up to this position was delivered, or is named in a loss record. */
  readonly position: number;
  /** Any event still to come has `event.created` at or after this time, epoch ms. */
  readonly createdMs: number;
}

/** The HTTP request header that carries it. */
export const PROGRESS_HEADER = 'vedette-progress';

/** `v1;boot=…;position=…;created=…` */
export function formatProgress(progress: Progress): string {
  return `v1;boot=${progress.bootId};position=${progress.position};created=${progress.createdMs}`;
}

/** The progress in a header's text, or undefined when it is not one of ours. */
export function parseProgress(text: string): Progress | undefined {
  const match = /^v1;boot=([A-Za-z0-9-]{0,64});position=([0-9]{1,15});created=([0-9]{1,15})$/.exec(text);
  if (match === null) return undefined;
  return { bootId: match[1] ?? '', position: Number(match[2]), createdMs: Number(match[3]) };
}
