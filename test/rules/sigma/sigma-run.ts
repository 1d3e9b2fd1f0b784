// Sigma text → rules as they run, through the import's own way, and events through the engine.
import { createEngine } from '../../../engine/create-engine.ts';
import { passedUntil } from '../../../engine/watermark.ts';
import { formatDiagnostic } from '../../../rules/diagnostic.ts';
import { type ImportedRule, importedRules } from '../../../rules/foreign/imported-rules.ts';
import { NO_MACROS } from '../../../rules/language/macro-reader.ts';
import { sigmaFrontEnd } from '../../../rules/sigma/front-end.ts';

const NAMES = { lists: new Map([['admins', ['root', 'backup']]]), macros: NO_MACROS };
/** A full hour, a full day: where buckets of any length have an edge. */
const EDGE_MS: number = Date.UTC(2026, 0, 5);

export interface Imported {
  readonly documents: readonly ImportedRule[];
  /** `file:line:column message [code]`, of documents and of files. */
  readonly told: readonly string[];
}

/** `files` by name, or the text of one. */
export function importSigma(files: string | Readonly<Record<string, string>>): Imported {
  const given = typeof files === 'string' ? { 'rules.yml': files } : files;
  const all = Object.entries(given).map(([file, text]) => ({ file, text }));
  const reading = sigmaFrontEnd(all, NAMES);
  const documents = importedRules(all, reading, NAMES);
  const diagnostics = [...reading.diagnostics, ...documents.flatMap((one) => one.diagnostics)];
  for (const diagnostic of diagnostics) formatDiagnostic(diagnostic);
  const told = diagnostics.map(
    ({ file, line, column, message, code }) => `${file}:${line}:${column} ${message} [${code}]`,
  );
  return { documents, told };
}

export interface Given {
  /** Seconds from {@link EDGE_MS}. */
  readonly at: number;
  /** Fields, flat, beside those of an exec by bob on h1. */
  readonly [field: string]: unknown;
}

/** Ids of the rules whose alerts the events open, in their order; the rest of the day passes. */
export function alertsOf({ documents }: Imported, events: readonly Given[]): readonly string[] {
  const rules = documents.flatMap(({ rule }) => rule ?? []);
  const engine = createEngine({ epochs: [{ fromMs: Number.NEGATIVE_INFINITY, rules }], state: new Map() });
  const named = events
    .toSorted((a, b) => a.at - b.at)
    .map((given, place) => ({ id: `e${String(place).padStart(6, '0')}`, document: documentOf(given, place) }));
  return engine.step(named, passedUntil(EDGE_MS + 86_400_000)).opened.map(({ ruleId }) => ruleId);
}

function documentOf({ at, ...fields }: Given, place: number): Readonly<Record<string, unknown>> {
  const time = new Date(EDGE_MS + at * 1_000).toISOString();
  const document: Record<string, Record<string, unknown>> = {};
  const flat = {
    'event.created': time,
    'event.action': 'executed',
    'event.outcome': 'success',
    'host.id': 'h1',
    'host.name': 'web1',
    'user.name': 'bob',
    'vedette.position': place,
    ...fields,
  };
  for (const [name, value] of Object.entries(flat)) {
    const path = name.split('.');
    let inner: Record<string, unknown> = document;
    for (const part of path.slice(0, -1)) {
      inner[part] ??= {};
      inner = inner[part] as Record<string, unknown>;
    }
    inner[path.at(-1) ?? ''] = value;
  }
  return { ...document, '@timestamp': time };
}
