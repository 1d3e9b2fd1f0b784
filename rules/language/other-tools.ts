// A file of another tool's rules among ours is told once, with what to do, instead of by each of its keys. (Sigma's rules are read.)
import type { Problem } from './source-text.ts';
import type { YamlNode } from './yaml-tree.ts';

/** ElastAlert's rules name a type, and an index or a filter; ours have neither. */
const ELASTALERT = ['index', 'filter', 'num_events', 'timeframe', 'query_key'];

/** What is wrong with it, where the document is a rule of a tool that is known here. */
export function otherToolsRule(root: YamlNode): Problem | undefined {
  const keys = keysOf(root);
  if (keys.has('match') || keys.has('severity')) return undefined;
  if (keys.has('type') && ELASTALERT.some((key) => keys.has(key)))
    return problem('ElastAlert', '`vedette rules import elastalert FILE --out FOLDER` makes a rule of ours of it.');
  if (keys.has('AnalysisType') || keys.has('RuleID')) return problem('Panther', WRITTEN_ANEW);
  const [first] = root.kind === 'list' ? root.items : [];
  const members = first === undefined ? new Set<string>() : keysOf(first);
  if (['rule', 'macro', 'list'].some((key) => members.has(key)) && (members.has('condition') || members.has('items')))
    return problem('Falco', WRITTEN_ANEW);
  return undefined;
}

const WRITTEN_ANEW = 'It has to be written anew: docs/rules.md begins with an example.';

function problem(tool: string, remedy: string): Problem {
  return { code: 'rule/of-another-tool', message: `this is a rule of ${tool}’s, and is not read as it is`, remedy };
}

function keysOf(node: YamlNode): ReadonlySet<string> {
  return new Set(node.kind === 'map' ? node.entries.map(({ key }) => key) : []);
}
