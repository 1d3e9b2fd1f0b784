// All Sigma documents of some files together: correlations with the rules that they name, in whatever file, filters on the rules that they
// are for, and what becomes of each document. Pure.
import { type Diagnostic, visible } from '../diagnostic.ts';
import { allOf, not } from '../foreign/expression-writer.ts';
import type { ForeignRule, PlainRule } from '../foreign/foreign-rule.ts';
import { diagnosticAt } from '../language/source-text.ts';
import { applyFilters, withExceptions, withKey } from './applied-filters.ts';
import { type Correlation, type PlacedText, readCorrelation } from './correlation.ts';
import { correlationDocument } from './correlation-head.ts';
import { correlate, type Member } from './correlation-rule.ts';
import type { ReadDetection, ReadMetadata, SigmaReader } from './document-reader.ts';
import { find, isProblems, namesOf, type Tell, uniqueIds } from './references.ts';
import { type SigmaDocument, type SigmaFile, sigmaDocuments } from './sigma-document.ts';

export interface SigmaEntry {
  readonly document: SigmaDocument;
  /** `part`: says something only within the correlations that name it; `filter`: in the rules that it is for. */
  readonly kind: 'rule' | 'part' | 'filter' | 'refused';
  /** Of a `rule`. */
  readonly rule: ForeignRule | undefined;
  readonly uncollected: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

export interface SigmaCollection {
  readonly files: readonly {
    readonly file: string;
    readonly entries: readonly SigmaEntry[];
    /** Of the file as a whole. */
    readonly diagnostics: readonly Diagnostic[];
  }[];
}

/** Correlations of correlations of …: a longer chain is refused. */
const CHAIN_MAX = 8;

export function readSigmaCollection(
  files: readonly { readonly file: string; readonly text: string }[],
  reading: SigmaReader,
): SigmaCollection {
  const reader = withRememberedMetadata(reading);
  const read = files.map(({ file, text }) => ({ file, ...sigmaDocuments(file, text) }));
  const documents = read.flatMap((file: SigmaFile) => file.documents);
  const names = namesOf(documents);
  const told = new Map<SigmaDocument, Diagnostic[]>(documents.map((document) => [document, []]));
  const tell: Tell = (document, ...diagnostics) => {
    told.get(document)?.push(...diagnostics);
  };

  const detections = new Map<SigmaDocument, ReadDetection>();
  for (const document of documents.filter(({ kind }) => kind === 'detection')) {
    const detection = reader.detection(document);
    detections.set(document, detection);
    tell(document, ...detection.diagnostics);
  }
  const exclusions = applyFilters(documents, { names, detections, reader, tell });
  const correlations = new Map<SigmaDocument, Correlation>();
  for (const document of documents.filter(({ kind }) => kind === 'correlation')) {
    const correlation = readCorrelation(document);
    if (isProblems(correlation)) tell(document, ...correlation);
    else correlations.set(document, correlation);
  }

  /** Who names whom, and whether those who are named alert by themselves. */
  const named = new Map<SigmaDocument, { readonly by: SigmaDocument; readonly doesGenerate: boolean }[]>();
  const membersOf = new Map<Correlation, readonly (SigmaDocument | undefined)[]>();
  for (const correlation of correlations.values()) {
    const members = correlation.rules.map((rule) => find(names, correlation.document, rule, tell));
    membersOf.set(correlation, members);
    for (const member of members) {
      if (member === undefined) continue;
      const { document: by, doesGenerate } = correlation;
      named.set(member, [...(named.get(member) ?? []), { by, doesGenerate }]);
    }
  }

  const ids = uniqueIds(documents, reader);
  const rules = new Map<SigmaDocument, ForeignRule>();
  const needed = new Set<SigmaDocument>();
  for (const [document, { rule }] of detections) {
    if (rule !== undefined)
      rules.set(document, withExceptions(withId(rule, ids.get(document)), exclusions.get(document)));
  }

  const done = new Map<SigmaDocument, boolean>();
  const build = (document: SigmaDocument, chain: readonly SigmaDocument[]): boolean => {
    const before = done.get(document);
    if (before !== undefined) return before;
    const correlation = correlations.get(document);
    const isBuilt = correlation === undefined ? rules.has(document) : buildCorrelation(correlation, chain);
    done.set(document, isBuilt);
    return isBuilt;
  };

  const buildCorrelation = (correlation: Correlation, chain: readonly SigmaDocument[]): boolean => {
    const { document, rules: asked } = correlation;
    const wrong = (at: number, message: string, remedy: string): boolean => {
      tell(document, diagnosticAt(document.source, at, { code: 'sigma/correlation', message, remedy }));
      return false;
    };
    const found = membersOf.get(correlation) ?? [];
    if (found.length === 0 || found.includes(undefined)) return false;
    const members: Member[] = [];
    let isWhole = true;
    for (const [place, member] of found.entries()) {
      const rule = asked[place];
      if (member === undefined || rule === undefined) continue;
      const further = [...chain, document];
      if (further.includes(member) || further.length > CHAIN_MAX) {
        const remedy = `A chain has at most ${CHAIN_MAX} correlations, and ends with rules.`;
        isWhole = wrong(
          rule.at,
          `\`${visible(rule.text)}\` needs this correlation itself, or the chain is too long`,
          remedy,
        );
      } else if (member.kind === 'filter' || !build(member, further)) {
        const remedy = 'What is wrong with it is told at its own place.';
        isWhole = wrong(rule.at, `\`${visible(rule.text)}\` is no rule that can be said here`, remedy);
      } else {
        members.push(memberOf(member, rule));
      }
    }
    if (!isWhole) return false;
    if (new Set(found).size < found.length) {
      const remedy = 'Name each rule once; for more of one, use an event_count.';
      return wrong(correlation.at, 'a rule stands twice in `rules`', remedy);
    }
    const correlated = correlate(correlation, members);
    if ('kind' in correlated) {
      tell(document, ...correlated.problems);
      return false;
    }
    for (const [place, member] of found.entries()) {
      if (member !== undefined && correlated.needed.some(({ named: { at } }) => at === asked[place]?.at))
        needed.add(member);
    }
    rules.set(document, correlationRule(document, correlated.keys, correlated.places));
    return true;
  };

  const memberOf = (document: SigmaDocument, rule: PlacedText): Member => {
    const detection = detections.get(document);
    const excluded = (exclusions.get(document) ?? []).map(({ match }) => not(match));
    const { id, name } = document;
    return {
      named: rule,
      names: [rule.text, name, id].filter((one) => one !== undefined),
      ruleId: ids.get(document) ?? '',
      match: detection?.match === undefined ? undefined : allOf([detection.match, ...excluded]),
      fields: leavesOf(document).map(({ fieldOf }) => fieldOf),
    };
  };

  const leavesOf = (document: SigmaDocument, depth = 0): readonly ReadDetection[] => {
    const detection = detections.get(document);
    const correlation = correlations.get(document);
    if (detection !== undefined) return [detection];
    if (correlation === undefined || depth > CHAIN_MAX) return [];
    return (membersOf.get(correlation) ?? []).flatMap((member) =>
      member === undefined ? [] : leavesOf(member, depth + 1),
    );
  };

  const correlationRule = (
    document: SigmaDocument,
    keys: PlainRule,
    places: ReadonlyMap<string, number>,
  ): ForeignRule => {
    const metadata = reader.metadata(document);
    tell(document, ...metadata.diagnostics);
    const heads = [document, ...partsOf(document)].map((part) => reader.metadata(part).keys);
    const rule = correlationDocument({
      id: ids.get(document) ?? '',
      heads,
      rules: leavesOf(document)
        .map((leaf) => leaf.rule?.rule)
        .filter((one) => one !== undefined),
      keys,
    });
    const all = new Map([...metadata.places, ...places]);
    return { rule, places: all.set('', document.root.at), end: document.root.end };
  };

  const partsOf = (document: SigmaDocument, depth = 0): readonly SigmaDocument[] => {
    const correlation = correlations.get(document);
    if (correlation === undefined || depth > CHAIN_MAX) return [];
    return (membersOf.get(correlation) ?? []).flatMap((member) =>
      member === undefined ? [] : [member, ...partsOf(member, depth + 1)],
    );
  };

  for (const document of correlations.keys()) build(document, []);

  const entryOf = (document: SigmaDocument): SigmaEntry => {
    const diagnostics = told.get(document) ?? [];
    const uncollected = uncollectedOf(document, detections, partsOf(document));
    const entry = { document, diagnostics, uncollected, rule: undefined };
    const isWrong = diagnostics.some(({ severity }) => severity === 'error');
    if (document.kind === 'filter') return { ...entry, kind: isWrong ? 'refused' : 'filter' };
    const rule = rules.get(document);
    if (rule === undefined || isWrong) return { ...entry, kind: 'refused' };
    const by = named.get(document) ?? [];
    if (by.length === 0 || by.some(({ doesGenerate }) => doesGenerate)) return { ...entry, kind: 'rule', rule };
    // Named by a correlation, and not asked to alert by itself.
    const elsewhere = by.find((one) => one.by.source.file !== document.source.file);
    if (elsewhere !== undefined) diagnostics.push(silentPart(document, elsewhere.by));
    if (!needed.has(document)) return { ...entry, kind: 'part' };
    return { ...entry, kind: 'rule', rule: { ...rule, rule: withKey(rule.rule, 'status', 'test') } };
  };
  return {
    files: read.map(({ file, documents: own, diagnostics }) => ({ file, entries: own.map(entryOf), diagnostics })),
  };
}

function withRememberedMetadata(reader: SigmaReader): SigmaReader {
  const known = new Map<SigmaDocument, ReadMetadata>();
  const metadata = (document: SigmaDocument): ReadMetadata => {
    const read = known.get(document) ?? reader.metadata(document);
    known.set(document, read);
    return read;
  };
  return { ...reader, metadata };
}

function withId(rule: ForeignRule, id: string | undefined): ForeignRule {
  return id === undefined || id === rule.rule['id'] ? rule : { ...rule, rule: { ...rule.rule, id } };
}

function uncollectedOf(
  document: SigmaDocument,
  detections: ReadonlyMap<SigmaDocument, ReadDetection>,
  parts: readonly SigmaDocument[],
): string | undefined {
  return [document, ...parts].map((part) => detections.get(part)?.uncollected).find((reason) => reason !== undefined);
}

function silentPart(document: SigmaDocument, by: SigmaDocument): Diagnostic {
  return diagnosticAt(document.source, document.root.at, {
    code: 'sigma/silent',
    severity: 'warning',
    message: `it alerts only within the correlation \`${visible(by.title)}\` (${visible(by.source.file)})`,
    remedy: 'Write `generate: true` into that correlation if it is to alert by itself too.',
  });
}
