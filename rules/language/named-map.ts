// What has a name of its own beside the rules (lists, macros): a YAML map with owner and reason, which a rule names as `$name`.
import type { Diagnostic } from '../diagnostic.ts';
import { functionNamed } from '../expression/functions.ts';
import { type MapShape, pattern, type Reading, readMap, report, text } from './readers.ts';
import { type SourceText, told } from './source-text.ts';
import { readYaml } from './yaml-tree.ts';

export interface Naming {
  readonly name: string;
  readonly description: string;
  readonly owner: string;
  readonly reason: string;
}

type Word = 'list' | 'macro';

/** Reads what every list and every macro says. */
export function namingReaders(word: Word): MapShape<Naming>['readers'] {
  return {
    name: pattern(/^[a-z][a-z0-9_]{0,63}$/, `a ${word}’s name`, 'Use lower-case letters, digits and `_`.'),
    description: text(2_000),
    owner: text(200),
    reason: text(2_000),
  };
}

/** Gives `take` the values of each map of a file that is complete. One with a mistake is told and left out. */
export function readNamedMaps<Keys extends Naming>(
  { file, fileText, word, shape }: { file: string; fileText: string; word: Word; shape: MapShape<Keys> },
  take: (values: Partial<Keys>, source: SourceText) => void,
): readonly Diagnostic[] {
  const yaml = readYaml(file, fileText);
  const diagnostics: Diagnostic[] = [...yaml.diagnostics];
  for (const { root } of yaml.documents) {
    const reading: Reading = { source: yaml.source, diagnostics: [] };
    const { values, isComplete } = readMap(root, shape, reading);
    const { name } = values;
    if (name !== undefined && functionNamed(name) !== undefined) {
      const remedy = `Give the ${word} another name.`;
      report(reading, root.at, { code: `${word}/taken-name`, message: `$${name} is a function`, remedy });
    } else if (isComplete) take(values, yaml.source);
    diagnostics.push(...reading.diagnostics);
  }
  return told(diagnostics);
}
