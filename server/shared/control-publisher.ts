// Publishes the control log: the one server that takes events and reads rule files writes each entry as a document, in order, and no event
// is stored before the entries that were made before it are. So an engine that looks at the log after it has read an event knows every
// change that holds for that event. Two servers that publish different logs notice: the second is told, and publishes nothing.
import type { SharedDocuments } from '../../store/shared/shared-documents.ts';
import type { ControlEntry, ControlLogPort } from '../../store/state/state-port.ts';
import { entryParts, type PublishedEntry, readPublished } from './control-mirror.ts';

const RETRY_MS = 500;

export interface ControlPublisher {
  /** Something was entered into the log. */
  wake(): void;
  /** Resolves when all that was entered before is published. */
  published(): Promise<void>;
  close(): void;
}

/** Another log than this server's is published already. */
export class ForeignControlLog extends Error {
  constructor(number: number) {
    super(`another server has published other rules to this cluster (entry ${number} of the control log)`);
    this.name = 'ForeignControlLog';
  }
}

/** Brings the log of a server and the published one together: a server without any takes over what is there. Throws {@link ForeignControlLog}. */
export async function reconcile(documents: SharedDocuments, log: ControlLogPort): Promise<number> {
  const published = await readPublished(documents, 1);
  const own = log.entries();
  if (own.length === 0) {
    for (const { entry, sources } of published) {
      const { seq, ...change } = entry;
      if (log.append(change, new Map(Object.entries(sources))).seq !== seq) throw new ForeignControlLog(seq);
    }
    return published.length;
  }
  const differing = published.findIndex(({ entry }, at) => !isSame(entry, own[at]));
  if (differing !== -1) throw new ForeignControlLog(differing + 1);
  return published.length;
}

export function createControlPublisher(options: {
  readonly documents: SharedDocuments;
  readonly log: ControlLogPort;
  /** So many entries are published. */
  readonly publishedCount: number;
  readonly onTrouble: (error: unknown) => void;
}): ControlPublisher {
  const { documents, log, onTrouble } = options;
  let count = options.publishedCount;
  let isClosed = false;
  let working: Promise<void> | undefined;
  const sourcesSent = new Set(log.entries().slice(0, count).flatMap(versionsOf));

  const publishNext = async (entry: ControlEntry): Promise<void> => {
    const sources: Record<string, string> = {};
    for (const version of versionsOf(entry)) {
      const source = sourcesSent.has(version) ? undefined : log.source(version);
      if (source !== undefined) sources[version] = source;
    }
    const parts = new Map(entryParts(count + 1, { entry, sources } satisfies PublishedEntry));
    const [first, ...others] = [...parts];
    if (first === undefined) return;
    // The first part is what readers look for.
    await documents.create(new Map(others));
    if ((await documents.replace(first[0], first[1], undefined)) === undefined) {
      const [found] = await readPublished(documents, count + 1);
      if (!isSame(found?.entry, entry)) throw new ForeignControlLog(count + 1);
    }
    for (const version of Object.keys(sources)) sourcesSent.add(version);
    count += 1;
  };

  const publish = async (): Promise<void> => {
    for (let failures = 0; !isClosed; ) {
      const entry = log.entries()[count];
      if (entry === undefined) return;
      try {
        await publishNext(entry);
        failures = 0;
      } catch (error) {
        failures += 1;
        if (failures === 1) onTrouble(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS * Math.min(failures, 10)));
      }
    }
  };

  const wake = (): void => {
    working ??= publish().finally(() => {
      working = undefined;
    });
  };

  return {
    wake,
    async published() {
      while (!isClosed && log.entries().length > count) {
        wake();
        await working;
      }
    },
    close() {
      isClosed = true;
    },
  };
}

function versionsOf(entry: ControlEntry): readonly string[] {
  return entry.kind === 'rules' ? entry.rules.map(({ version }) => version) : [];
}

function isSame(one: ControlEntry | undefined, other: ControlEntry | undefined): boolean {
  return one !== undefined && other !== undefined && canonical(one) === canonical(other);
}

function canonical(entry: ControlEntry): string {
  return JSON.stringify(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)));
}
