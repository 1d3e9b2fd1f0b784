// Filters on the rules that they are for: each thing that a filter takes out is an exception of the rule, with the filter as its reason.
import { type Diagnostic, visible } from '../diagnostic.ts';
import type { Written } from '../foreign/expression-writer.ts';
import type { ForeignRule, PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import { diagnosticAt } from '../language/source-text.ts';
import type { ReadDetection, SigmaReader } from './document-reader.ts';
import { isFor, readFilter } from './filter.ts';
import { find, isProblems, type Names, type Tell } from './references.ts';
import type { SigmaDocument } from './sigma-document.ts';

export interface Exclusion {
  readonly match: Written;
  readonly filter: SigmaDocument;
}

export function applyFilters(
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

export function withExceptions(rule: ForeignRule, exclusions: readonly Exclusion[] = []): ForeignRule {
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
export function withKey(rule: PlainRule, key: string, value: PlainValue): PlainRule {
  if (Object.hasOwn(rule, key)) return { ...rule, [key]: value };
  const { alert, tests, ...head } = rule;
  return {
    ...head,
    [key]: value,
    ...(alert === undefined ? {} : { alert }),
    ...(tests === undefined ? {} : { tests }),
  };
}
