// What rule groups cost that one engine process holds (docs/engines.md): the same rules as one group, as 4 and as 16, each an engine of its own
// that looks at every event. What a cluster answers is read and parsed once for all of them, and is not in the figures. CPU of this thread,
// the least of some rounds.
import { EVERYTHING_PASSED } from '../engine/watermark.ts';
import type { Rule } from '../rules/rule.ts';
import { readRules } from '../rules/rule-files.ts';
import { readRuleFolders, SHIPPED_RULES } from '../rules/rule-folders.ts';
import { groupOfRule } from '../server/shared/group-rules.ts';
import { makeRules, wordsOf, yamlOf } from './engine-rules.ts';
import { BATCH_EVENTS, engineOf, leastMicros, recordedDocuments, type Traffic, trafficOf } from './engine-traffic.ts';
import { told } from './measuring.ts';

const GROUPS = [1, 4, 16];
const MADE_RULES = 500;

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const recorded = recordedDocuments();
  const traffic = trafficOf(isShort ? 3_000 : 15_000, recorded);
  const shipped = readRuleFolders([SHIPPED_RULES]).rules.filter(({ kind }) => kind.kind === 'single');
  const made = makeRules(MADE_RULES, wordsOf(recorded)).map((rule) => ({
    ...({ file: `${rule.id}.yaml`, kind: 'own', content: 'rules' } as const),
    text: yamlOf(rule, 'ours'),
  }));
  return [
    ...linesOf('shipped rules on single events', shipped, traffic),
    ...linesOf(`${MADE_RULES} rules`, readRules(made).rules, traffic),
  ];
}

function linesOf(name: string, rules: readonly Rule[], { events }: Traffic): readonly string[] {
  return GROUPS.map((groups) => {
    const parts = Array.from({ length: groups }, (_, group) =>
      rules.filter(({ id }) => groupOfRule(id, groups) === group),
    );
    const engines = parts.filter((part) => part.length > 0).map(engineOf);
    const micros = leastMicros(events.length, () => {
      for (let at = 0; at < events.length; at += BATCH_EVENTS) {
        const batch = events.slice(at, at + BATCH_EVENTS);
        for (const engine of engines) engine.step(batch, EVERYTHING_PASSED);
      }
    });
    return `${name} in ${groups} ${groups === 1 ? 'group' : 'groups'}: ${told(micros)}`;
  });
}
