// What a filter document says: which rules it is for, and what it takes out of them. Filters are read as Sigma's own tools read them: the rule's
// condition and the filter's. So what is taken out stands behind a `not`, and a filter that would narrow a rule to what it names is refused:
// the specification's text has examples of either reading, and the wrong one would silence a rule for everything else.
import type { Diagnostic } from '../diagnostic.ts';
import type { Lists } from '../expression/syntax.ts';
import { diagnosticAt, type Problem } from '../language/source-text.ts';
import { readDetection } from './detection.ts';
import { type Search, searchOf } from './search.ts';
import { memberOf, type SigmaDocument, textOf, textsOf } from './sigma-document.ts';

export interface SigmaFilter {
  readonly document: SigmaDocument;
  /** Warnings. */
  readonly diagnostics: readonly Diagnostic[];
  /** Undefined: all of its log source. */
  readonly rules: readonly { readonly text: string; readonly at: number }[] | undefined;
  /** By key and lower-case value: `category`, `product`, `service`. */
  readonly logSource: ReadonlyMap<string, string>;
  /** Each of these is taken out: what stands behind the `not`s. */
  readonly excluded: readonly Search[];
}

export function readFilter(document: SigmaDocument, lists: Lists): SigmaFilter | readonly Diagnostic[] {
  const { source, root } = document;
  const problems: Diagnostic[] = [];
  const wrong = (at: number, problem: Omit<Problem, 'code'>): void => {
    problems.push(diagnosticAt(source, at, { code: 'sigma/filter', ...problem }));
  };
  const map = memberOf(root, 'filter');
  if (map?.kind !== 'map') {
    wrong(map?.at ?? root.at, { message: '`filter` must be a map', remedy: 'Write rules, a selection and condition.' });
    return problems;
  }
  const rulesNode = memberOf(map, 'rules');
  const named = rulesNode === undefined ? undefined : textsOf(rulesNode);
  if (rulesNode !== undefined && named === undefined)
    wrong(rulesNode.at, { message: '`rules` must name rules', remedy: 'Write `any`, or a list of ids or names.' });
  const isAny = named === undefined || (named.length === 1 && named[0]?.text.toLowerCase() === 'any');

  const detection = { ...map, entries: map.entries.filter(({ key }) => key !== 'rules') };
  const search = readDetection(detection, { source, diagnostics: problems, lists });
  const parts = search === undefined ? [] : search.kind === 'and' ? search.of : [search];
  const excluded = parts.flatMap((part) => takenOut(part) ?? []);
  if (excluded.length < parts.length) {
    const message = 'this filter would narrow the rules to what it selects, and silence them for all else';
    const remedy = 'Write `condition: not selection` to take out what is selected.';
    wrong(memberOf(map, 'condition')?.at ?? map.at, { message, remedy });
  }
  const logSourceNode = memberOf(root, 'logsource');
  if (logSourceNode?.kind !== 'map')
    wrong(root.at, { message: 'a filter needs a `logsource`', remedy: 'Write the one of the rules that it is for.' });
  if (problems.some(({ severity }) => severity === 'error')) return problems;
  return {
    document,
    diagnostics: problems,
    rules: isAny ? undefined : named,
    logSource: logSourceOf(document),
    excluded,
  };
}

/** What is left out: what stands behind a `not`, and of alternatives that all do what is in each of them. */
function takenOut(search: Search): Search | undefined {
  if (search.kind === 'not') return search.of;
  const parts = search.kind === 'or' ? search.of.map(takenOut) : [];
  const all = parts.filter((part) => part !== undefined);
  return all.length > 0 && all.length === parts.length ? searchOf('and', all) : undefined;
}

function logSourceOf({ root }: SigmaDocument): ReadonlyMap<string, string> {
  const node = memberOf(root, 'logsource');
  const entries = node?.kind === 'map' ? node.entries : [];
  return new Map(
    entries
      .filter(({ key }) => key === 'category' || key === 'product' || key === 'service')
      .flatMap(({ key, value }) => {
        const text = textOf(value);
        return text === undefined ? [] : [[key, text.toLowerCase()] as const];
      }),
  );
}

/** True where the filter's log source says nothing that the rule's does not. */
export function isFor(filter: SigmaFilter, rule: SigmaDocument): boolean {
  const own = logSourceOf(rule);
  return [...filter.logSource].every(([key, value]) => own.get(key) === value);
}
