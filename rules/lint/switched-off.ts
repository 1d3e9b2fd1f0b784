// `# vedette-lint: off CODE reason` in a rule: its warnings of that code are left out. A reason is needed, and one that leaves nothing
// out is told, so that none outlives what it was for. Errors are never left out.
import { type Reading, report } from '../language/readers.ts';
import type { YamlNode } from '../language/yaml-tree.ts';

const COMMENT = /vedette-lint:[ \t]*off[ \t]*([^\n]*)/g;

/** Takes the warnings from `from` on that the rule's comments switch off out of the reading. */
export function leaveOutSwitchedOff(root: YamlNode, reading: Reading, from: number): void {
  const { text } = reading.source;
  const start = documentStart(text, root.at);
  for (const match of text.slice(start, root.end).matchAll(COMMENT)) {
    const [code = '', ...words] = (match[1] ?? '')
      .replace(/\*\/.*$/, '')
      .trim()
      .split(/\s+/);
    const at = start + match.index;
    if (!/^[a-z]+\/[a-z-]+$/.test(code) || words.length === 0) {
      report(reading, at, {
        code: 'lint/off',
        severity: 'warning',
        message: 'a lint is switched off by its code and a reason',
        remedy: 'Write `# vedette-lint: off rule/not-indexed because it is meant to see every event`.',
      });
      continue;
    }
    const kept = reading.diagnostics.filter(
      (one, index) => index < from || one.code !== code || one.severity === 'error',
    );
    if (kept.length === reading.diagnostics.length) {
      report(reading, at, {
        code: 'lint/off',
        severity: 'warning',
        message: `there is no warning ${code} to switch off`,
        remedy: 'Remove the comment.',
      });
    } else reading.diagnostics.splice(0, reading.diagnostics.length, ...kept);
  }
}

/** A document begins behind the `---` before it: comments above its first key are its own. */
function documentStart(text: string, at: number): number {
  const before = text.lastIndexOf('\n---', at);
  return before < 0 ? 0 : before + 1;
}
