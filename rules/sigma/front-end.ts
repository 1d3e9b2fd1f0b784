// Sigma as a front end: its documents together, and of each what became of it.

import type { ForeignEntry, FrontEnd } from '../foreign/front-end.ts';
import { placeOf } from '../language/source-text.ts';
import { readSigmaCollection, type SigmaEntry } from './collection.ts';
import { createSigmaReader } from './sigma-reader.ts';

export const sigmaFrontEnd: FrontEnd = (files, { lists }) => {
  const { files: read } = readSigmaCollection(files, createSigmaReader(lists));
  return {
    entries: read.flatMap(({ entries }) => entries.map(foreignEntry)),
    diagnostics: read.flatMap(({ diagnostics }) => diagnostics),
  };
};

function foreignEntry({ document, kind, rule, uncollected, diagnostics }: SigmaEntry): ForeignEntry {
  const { source, root, title } = document;
  const { line } = placeOf(source, root.at);
  return { file: source.file, line, title, kind, rule, uncollected, diagnostics };
}
