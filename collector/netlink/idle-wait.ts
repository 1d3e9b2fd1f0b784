// Waits for a socket without a timer that fires for nothing: poll(2) on a thread of Node's pool, so that this thread can still be
// spoken to. One such wait costs 25 µs; a timer every 50 ms would cost 20 drains a second on a host where nothing happens.
import koffi from 'koffi';

const POLLIN = 1;

const pollCall = koffi.load('libc.so.6').func('int poll(void *descriptors, unsigned long count, int timeoutMs)');

/** Calls back once: true when there is something to read (or an error to be read), false when the time is over. */
export function waitReadable(fd: number, timeoutMs: number, onEnd: (isReadable: boolean) => void): void {
  const descriptors = Buffer.alloc(8);
  descriptors.writeInt32LE(fd, 0);
  descriptors.writeInt16LE(POLLIN, 4);
  pollCall.async(descriptors, 1, timeoutMs, (error: Error | null, count: number) => {
    // An interrupted or failed poll counts as time that is over: the next drain finds out. The kernel writes to `descriptors` at the
    // end, and koffi does not hold them: this use keeps them until then.
    onEnd(error === null && count > 0 && descriptors.length > 0);
  });
}
