// The store's database in the test's own thread: all that runs in the database's thread, without a thread, whose start costs more than
// most tests of a store. That messages come and go is for the contract of the embedded store, its faults and the server's tests.
import { openDatabase } from '../../store/embedded/database.ts';
import type { EmbeddedOptions } from '../../store/embedded/embedded-store.ts';
import { openMendingDatabase } from '../../store/embedded/mending-database.ts';

export const databaseHere: NonNullable<EmbeddedOptions['openDatabase']> = (limits, warn) =>
  openMendingDatabase(limits, warn, openDatabase);
