// How documents name one another: by `id` or `name`, in one file or in others; and the ids of the rules that they become.
import { createHash } from 'node:crypto';
import { type Diagnostic, visible } from '../diagnostic.ts';
import type { Written } from '../foreign/expression-writer.ts';
import { diagnosticAt } from '../language/source-text.ts';
import type { PlacedText } from './correlation.ts';
import type { SigmaReader } from './document-reader.ts';
import type { SigmaDocument } from './sigma-document.ts';

export type Tell = (document: SigmaDocument, ...diagnostics: readonly Diagnostic[]) => void;

export interface Names {
  readonly ids: ReadonlyMap<string, readonly SigmaDocument[]>;
  readonly names: ReadonlyMap<string, readonly SigmaDocument[]>;
}

export function namesOf(documents: readonly SigmaDocument[]): Names {
  const ids = new Map<string, SigmaDocument[]>();
  const names = new Map<string, SigmaDocument[]>();
  const add = (map: Map<string, SigmaDocument[]>, key: string | undefined, document: SigmaDocument): void => {
    if (key === undefined) return;
    const list = map.get(key);
    if (list === undefined) map.set(key, [document]);
    else list.push(document);
  };
  for (const document of documents) {
    add(ids, document.id?.toLowerCase(), document);
    add(names, document.name, document);
  }
  return { ids, names };
}

/** The rule of this id or name; one of the same file before others. What is not there, or there twice, is told. */
export function find(
  { ids, names }: Names,
  from: SigmaDocument,
  rule: PlacedText,
  tell: Tell,
  severity: Diagnostic['severity'] = 'error',
): SigmaDocument | undefined {
  const all = names.get(rule.text) ?? ids.get(rule.text.toLowerCase()) ?? [];
  const near = all.filter(({ source }) => source.file === from.source.file);
  const found = near.length > 0 ? near : all;
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const text = visible(rule.text.slice(0, 100));
  const message = only === undefined ? `there is no rule \`${text}\`` : `there are ${found.length} rules \`${text}\``;
  const remedy =
    only === undefined
      ? 'Read the file that has it together with this one, and name it by its `id` or `name`.'
      : `Name one by its id; they are in ${[...new Set(found.map(({ source }) => visible(source.file)))].slice(0, 3).join(', ')}.`;
  tell(from, diagnosticAt(from.source, rule.at, { code: 'sigma/unknown-rule', severity, message, remedy }));
  return undefined;
}

/** Our ids; documents that share one (legacy files, whose parts had one id) get a digest of their place behind it. */
export function uniqueIds(
  documents: readonly SigmaDocument[],
  reader: SigmaReader,
): ReadonlyMap<SigmaDocument, string> {
  const taken = new Map<string, SigmaDocument>();
  const ids = new Map<SigmaDocument, string>();
  for (const document of documents.filter(({ kind }) => kind !== 'filter')) {
    const given = String(reader.metadata(document).keys['id'] ?? '');
    const other = taken.get(given);
    const isSameFile = other?.source.file === document.source.file;
    if (other === undefined) taken.set(given, document);
    // In another file it is the same rule twice, which is told where rules are put together.
    ids.set(document, other !== undefined && isSameFile ? `${given.slice(0, 90)}-${digestOf(document)}` : given);
  }
  return ids;
}

function digestOf({ source, root }: SigmaDocument): string {
  return createHash('sha256').update(source.text.slice(root.at, root.end)).digest('hex').slice(0, 8);
}

export function isProblems<T>(read: T | readonly Diagnostic[] | readonly Written[]): read is readonly Diagnostic[] {
  return Array.isArray(read) && read.length > 0 && (read as readonly object[]).every((one) => 'severity' in one);
}
