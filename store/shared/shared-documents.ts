// Where processes that share the engine's work keep what they share: small documents by id, with compare-and-set. Everything exact
// about sharing (leases, commits, the published control log) rests on these five promises and on nothing else; Elasticsearch keeps
// them (store/elasticsearch/elasticsearch-documents.ts), and a stand-in of the tests that fails and pauses wherever it can.

export interface SharedDocument {
  readonly text: string;
  /** Changes with every write of the document; opaque. */
  readonly version: string;
}

/**
 * Each call is durable when it resolves, and what was durable is what every later call sees. A call that throws may have happened, or
 * may still happen.
 */
export interface SharedDocuments {
  /** By id; those that are not there are left out. */
  get(ids: readonly string[]): Promise<ReadonlyMap<string, SharedDocument>>;
  /** Makes documents; one that is there already keeps its text. */
  create(documents: ReadonlyMap<string, string>): Promise<void>;
  /**
   * Writes a document if it still has the version `expected` (undefined: if there is none). Answers the new version, or undefined where
   * somebody else was first.
   */
  replace(id: string, text: string, expected: string | undefined): Promise<string | undefined>;
  remove(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** What was shared cannot be understood, or is not all there. */
export class SharedStateDamaged extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SharedStateDamaged';
  }
}
