// The checked trees of a rule's expressions, for those who explain: read again from the rule's own source, which holds the lists and
// macros that it was read with. Rules keep no trees, since ten thousand of them would.
import { parseExpression } from '../expression/parse.ts';
import type { Expression, Lists, ListValues } from '../expression/syntax.ts';
import { macrosOfSources } from '../language/macro-reader.ts';
import { readYaml, type YamlNode } from '../language/yaml-tree.ts';
import type { Rule } from '../rule.ts';

export interface RuleTrees {
  readonly match: Expression | undefined;
  /** In the order of the rule's exceptions. */
  readonly exceptions: readonly Expression[];
  /** In the order of a rule's cases, or of the steps of a sequence or a combination, what must not come among them. */
  readonly steps: readonly Expression[];
  readonly until: Expression | undefined;
  /** Of a ratio. */
  readonly of: Expression | undefined;
}

export function treesOf(rule: Pick<Rule, 'sourceJson'>): RuleTrees {
  const source = JSON.parse(rule.sourceJson) as {
    readonly text: string;
    readonly lists: Readonly<Record<string, ListValues>>;
    readonly macros?: Readonly<Record<string, string>>;
  };
  const lists: Lists = new Map(Object.entries(source.lists));
  const macros = macrosOfSources(source.macros ?? {}, lists).parsed;
  const root = readYaml('', source.text).documents[0]?.root;
  const treeAt = (node: YamlNode | undefined): Expression | undefined => {
    if (node?.kind !== 'scalar' || typeof node.value !== 'string') return undefined;
    const parsed = parseExpression(node.value, lists, macros);
    return parsed.kind === 'parsed' ? parsed.expression : undefined;
  };
  const treesAt = (node: YamlNode | undefined): readonly Expression[] =>
    itemsOf(node).flatMap((item) => treeAt(memberOf(item, 'match') ?? memberOf(item, 'absent')) ?? []);
  const sequence = memberOf(root, 'sequence') ?? memberOf(root, 'combination');
  return {
    match: treeAt(memberOf(root, 'match')),
    exceptions: treesAt(memberOf(root, 'except')),
    steps: treesAt(memberOf(sequence, 'steps') ?? memberOf(root, 'cases')),
    until: treeAt(memberOf(sequence, 'until')),
    of: treeAt(memberOf(memberOf(root, 'ratio'), 'of')),
  };
}

function memberOf(node: YamlNode | undefined, key: string): YamlNode | undefined {
  return node?.kind === 'map' ? node.entries.find((entry) => entry.key === key)?.value : undefined;
}

function itemsOf(node: YamlNode | undefined): readonly YamlNode[] {
  return node?.kind === 'list' ? node.items : [];
}
