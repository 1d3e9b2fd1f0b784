// Which descriptors systemd passed to this process (sd_listen_fds): of a socket unit, or of its store. Pure.

/** Where they begin. */
const FIRST_DESCRIPTOR = 3;
/** More are not looked at. */
export const DESCRIPTORS_MAX = 16;
/** The name under which the audit socket stands in systemd's store. */
export const STORED_NAME = 'vedette-audit';

/** The descriptors that were passed to process `pid`; those of the store first. */
export function passedDescriptors(env: Readonly<Record<string, string | undefined>>, pid: number): readonly number[] {
  if (Number(env['LISTEN_PID']) !== pid) return [];
  const count = Number(env['LISTEN_FDS']);
  if (!Number.isSafeInteger(count) || count < 1) return [];
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  const descriptors = Array.from({ length: Math.min(count, DESCRIPTORS_MAX) }, (_, index) => ({
    fd: FIRST_DESCRIPTOR + index,
    isStored: names[index] === STORED_NAME,
  }));
  // A stored one holds what came since the kill; one of a socket unit beside it is fresh.
  return descriptors.sort((a, b) => Number(b.isStored) - Number(a.isStored)).map(({ fd }) => fd);
}
