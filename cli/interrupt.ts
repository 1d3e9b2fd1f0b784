// Ctrl-C as a signal to the work under way, so that it ends cleanly; a second one ends the process.

export interface Interrupt {
  readonly signal: AbortSignal;
  release(): void;
}

export function listenForInterrupt(): Interrupt {
  const called = new AbortController();
  const onInterrupt = (): void => called.abort();
  process.once('SIGINT', onInterrupt);
  return { signal: called.signal, release: () => void process.off('SIGINT', onInterrupt) };
}
