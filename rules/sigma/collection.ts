// All Sigma documents of some files together: correlations with the rules that they name, in whatever file, filters on the rules that they
// are for, and what becomes of each document. Pure.
import { createHash } from 'node:crypto';
import { type Diagnostic, visible } from '../diagnostic.ts';
import type { Lists } from '../expression/syntax.ts';
import { allOf, not, type Written } from '../foreign/expression-writer.ts';
import type { ForeignRule, PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import { diagnosticAt } from '../language/source-text.ts';
import { type Correlation, type PlacedText, readCorrelation } from './correlation.ts';
import { correlate, type FieldOf, type Member } from './correlation-rule.ts';
import { isFor, readFilter, type SigmaFilter } from './filter.ts';
import { type SigmaDocument, type SigmaFile, sigmaDocuments } from './sigma-document.ts';

/** What the reading of single documents answers. */
export interface SigmaReader {
  /** What `%name%` stands for. */
  readonly lists: Lists;
  /** Title, author, level, … in our keys, in the order in which they are written; never `match`. */
  readonly metadata: (document: SigmaDocument) => ReadMetadata;
  readonly detection: (document: SigmaDocument) => ReadDetection;
  /** What a filter takes out of a rule, in the words of the rule's log source; one condition each. */
  readonly excluded: (filter: SigmaFilter, rule: SigmaDocument) => readonly Written[] | readonly Diagnostic[];
}

export interface ReadMetadata {
  readonly keys: PlainRule;
  readonly places: ReadonlyMap<string, number>;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ReadDetection {
  /** Undefined where it cannot be said; the diagnostics say why. */
  readonly rule: ForeignRule | undefined;
  readonly match: Written | undefined;
  readonly fieldOf: FieldOf;
  readonly diagnostics: readonly Diagnostic[];
  /** Why no events of its log source come, if none do. */
  readonly uncollected?: string | undefined;
}

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
  const tell = (document: SigmaDocument, ...diagnostics: readonly Diagnostic[]): void => {
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
    const parts = partsOf(document);
    const head: Record<string, PlainValue> = { ...metadata.keys, id: ids.get(document) ?? '' };
    head['severity'] ??= greatestSeverity(parts.flatMap((part) => reader.metadata(part).keys['severity'] ?? []));
    // The rules that it is made of are in it: whoever wrote them is named too.
    for (const key of ['author', 'license'] as const) {
      const texts = [document, ...parts].flatMap((part) => reader.metadata(part).keys[key] ?? []);
      const all = [...new Set(texts.filter((text) => typeof text === 'string'))].join('; ');
      if (all !== '') head[key] = all.slice(0, 500);
    }
    const shown = leavesOf(document).flatMap(({ rule }) => includedBy(rule?.rule));
    const include = [...new Set(shown)].slice(0, INCLUDE_MAX);
    const alert = { title: titleOf(head['name'], keys['by']), ...(include.length === 0 ? {} : { include }) };
    const all = new Map([...metadata.places, ...places]);
    return {
      rule: { ...inOrder(head), ...keys, alert },
      places: all.set('', document.root.at),
      end: document.root.end,
    };
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

interface Exclusion {
  readonly match: Written;
  readonly filter: SigmaDocument;
}

function applyFilters(
  documents: readonly SigmaDocument[],
  parts: {
    readonly names: Names;
    readonly detections: ReadonlyMap<SigmaDocument, ReadDetection>;
    readonly reader: SigmaReader;
    readonly tell: Tell;
  },
): ReadonlyMap<SigmaDocument, readonly Exclusion[]> {
  const { names, detections, reader, tell } = parts;
  const exclusions = new Map<SigmaDocument, readonly Exclusion[]>();
  for (const document of documents.filter(({ kind }) => kind === 'filter')) {
    const filter = readFilter(document, reader.lists);
    if (isProblems(filter)) {
      tell(document, ...filter);
      continue;
    }
    tell(document, ...filter.diagnostics);
    const asked = filter.rules?.map((rule) => ({ rule, found: find(names, document, rule, tell, 'warning') }));
    for (const { rule, found } of asked ?? []) {
      if (found === undefined || (found.kind === 'detection' && isFor(filter, found))) continue;
      const message = `\`${visible(rule.text)}\` is no rule of the filter’s log source`;
      const problem = { code: 'sigma/filter', severity: 'warning', message, remedy: 'It is left as it is.' } as const;
      tell(document, diagnosticAt(document.source, rule.at, problem));
    }
    const targets = (asked === undefined ? [...detections.keys()] : asked.flatMap(({ found }) => found ?? [])).filter(
      (target) => detections.get(target)?.rule !== undefined && isFor(filter, target),
    );
    const unfit: { readonly target: SigmaDocument; readonly why: Diagnostic }[] = [];
    for (const target of targets) {
      const excluded = reader.excluded(filter, target);
      if (isProblems(excluded)) {
        const [why] = excluded;
        if (why !== undefined) unfit.push({ target, why });
        continue;
      }
      const own = excluded.map((match) => ({ match, filter: document }));
      exclusions.set(target, [...(exclusions.get(target) ?? []), ...own]);
    }
    tell(document, ...unfitFilter(document, targets.length, unfit));
  }
  return exclusions;
}

/** A rule that it cannot be asked of is left whole: it alerts more often, not less. */
function unfitFilter(
  document: SigmaDocument,
  targets: number,
  unfit: readonly { readonly target: SigmaDocument; readonly why: Diagnostic }[],
): readonly Diagnostic[] {
  const at = document.root.at;
  const [first] = unfit;
  if (first === undefined) {
    if (targets > 0) return [];
    const remedy = 'Read it together with the rules that it is for.';
    const problem = { code: 'sigma/filter', message: 'there is no rule here that it is for', remedy } as const;
    return [diagnosticAt(document.source, at, { ...problem, severity: 'warning' })];
  }
  const count =
    targets === 1 ? 'the rule' : unfit.length === targets ? 'any rule' : `${unfit.length} of ${targets} rules`;
  const message = `it is not in ${count} that it is for (\`${visible(first.target.title)}\`): ${first.why.message}`;
  const severity = unfit.length === targets ? 'error' : 'warning';
  return [{ ...first.why, code: 'sigma/filter', severity, message }];
}

type Tell = (document: SigmaDocument, ...diagnostics: readonly Diagnostic[]) => void;

interface Names {
  readonly ids: ReadonlyMap<string, readonly SigmaDocument[]>;
  readonly names: ReadonlyMap<string, readonly SigmaDocument[]>;
}

function namesOf(documents: readonly SigmaDocument[]): Names {
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
function find(
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
function uniqueIds(documents: readonly SigmaDocument[], reader: SigmaReader): ReadonlyMap<SigmaDocument, string> {
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

function withId(rule: ForeignRule, id: string | undefined): ForeignRule {
  return id === undefined || id === rule.rule['id'] ? rule : { ...rule, rule: { ...rule.rule, id } };
}

function withExceptions(rule: ForeignRule, exclusions: readonly Exclusion[] = []): ForeignRule {
  if (exclusions.length === 0) return rule;
  const except = exclusions.map(({ match, filter }) => ({
    match: match.text,
    reason: `Sigma filter: ${filter.title}`.slice(0, 2_000),
    owner: filter.id ?? filter.name ?? 'a Sigma filter',
  }));
  const before = rule.rule['except'];
  return { ...rule, rule: withKey(rule.rule, 'except', [...(Array.isArray(before) ? before : []), ...except]) };
}

/** The key where it stands, else before `alert` and `tests`. */
function withKey(rule: PlainRule, key: string, value: PlainValue): PlainRule {
  if (Object.hasOwn(rule, key)) return { ...rule, [key]: value };
  const { alert, tests, ...head } = rule;
  return {
    ...head,
    [key]: value,
    ...(alert === undefined ? {} : { alert }),
    ...(tests === undefined ? {} : { tests }),
  };
}

/** Alerts show so many fields at most. */
const INCLUDE_MAX = 12;

function includedBy(rule: PlainRule | undefined): readonly string[] {
  const alert = rule?.['alert'];
  const include = isMap(alert) ? alert['include'] : undefined;
  return Array.isArray(include) ? include.filter((field) => typeof field === 'string') : [];
}

function isMap(value: PlainValue | undefined): value is PlainRule {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** With the values that it was grouped by. `{{` in a title would name a field. */
function titleOf(name: PlainValue | undefined, by: PlainValue | undefined): string {
  const text = String(name);
  const plain = text.includes('{{') || text.includes('}}') ? 'Sigma correlation' : text;
  const fields = Array.isArray(by) ? by.map((field) => (field === 'host.id' ? 'host.name' : String(field))) : [];
  const key = [...new Set(fields)].map((field) => `{{${field}}}`).join(', ');
  return key === '' ? plain : `${plain}: ${key}`;
}

const HEAD = ['id', 'name', 'description', 'severity'];

function inOrder(head: PlainRule): PlainRule {
  const first = HEAD.flatMap((key) => (head[key] === undefined ? [] : [[key, head[key]] as const]));
  return {
    ...Object.fromEntries(first),
    ...Object.fromEntries(Object.entries(head).filter(([key]) => !HEAD.includes(key))),
  };
}

const SEVERITIES = ['informational', 'low', 'medium', 'high', 'critical'];

function greatestSeverity(severities: readonly PlainValue[]): string {
  const ranks = severities.map((severity) => SEVERITIES.indexOf(String(severity)));
  return SEVERITIES[Math.max(-1, ...ranks)] ?? 'medium';
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

function isProblems<T>(read: T | readonly Diagnostic[] | readonly Written[]): read is readonly Diagnostic[] {
  return Array.isArray(read) && read.length > 0 && (read as readonly object[]).every((one) => 'severity' in one);
}
