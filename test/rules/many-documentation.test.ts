// The examples of docs/rules.md about many events are true: each reads without a remark, alerts on what it is for and not on a near miss,
// in the engine. Its macro reads.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runRuleTests } from '../../backtest/rule-tests.ts';
import { formatDiagnostic } from '../../rules/diagnostic.ts';
import { KIND_READERS } from '../../rules/language/kind-keys.ts';
import { readMacroText } from '../../rules/language/macro-reader.ts';
import { readRuleText } from '../../rules/rule-files.ts';
import { readRuleFolders, SHIPPED_RULES } from '../../rules/rule-folders.ts';

const TEXT = readFileSync(join(import.meta.dirname, '../../docs/rules.md'), 'utf8');
const BLOCKS = new Map(
  [...TEXT.matchAll(/```ya?ml (\S+)\n([\s\S]*?)```/g)].map(([, name = '', text = '']) => [name, text]),
);
const SHIPPED = readRuleFolders([SHIPPED_RULES]).rules;

interface Shown {
  readonly found: readonly string[];
  readonly near: readonly string[];
  readonly progress?: string;
}

const times = (count: number, event: (place: number) => string): readonly string[] =>
  Array.from({ length: count }, (_, place) => event(place));
const failure = (at: string): string =>
  `{ at: ${at}, event.action: authenticated, event.outcome: failure, source.ip: 10.0.0.9, process.executable: /usr/sbin/sshd }`;
const connection = (place: number, port: number, outcome = 'failure'): string =>
  `{ at: ${place}s, event.action: connected-to, event.outcome: ${outcome}, process.name: x, destination.port: ${port} }`;
const module = (at: string, name: string): string =>
  `{ at: ${at}, event.action: loaded-kernel-module, auditd.data.name: ${name} }`;
const login = (at: string, ip: string): string =>
  `{ at: ${at}, event.action: logged-in, event.outcome: success, source.ip: ${ip}, process.executable: /usr/sbin/sshd, user.effective.name: al }`;
const run = (at: string, more: string): string => `{ at: ${at}, event.action: executed, ${more} }`;
const written = '{ at: 0s, event.action: opened-file, process.name: curl, file.path: /tmp/x }';
const started = run('9s', 'process.executable: /tmp/x');
const added = (at: string): string =>
  `{ at: ${at}, event.action: added-user-account, event.outcome: success, user.target.id: "7", process.executable: /usr/sbin/useradd }`;

const SHOWN: Readonly<Record<string, Shown>> = {
  threshold: { found: times(7, (place) => failure(`${place}s`)), near: times(4, (place) => failure(`${place}s`)) },
  distinct: {
    found: times(25, (place) => connection(place, 20 + place)),
    near: times(50, (place) => connection(place, 20 + (place % 20))),
  },
  new_value: {
    found: [module('0d', 'a'), module('15d', 'a'), module('15d', 'b')],
    near: [module('0d', 'a'), module('13d', 'b'), module('60d', 'b')],
  },
  change: {
    found: [login('0m', '10.0.0.1'), login('5m', '10.0.0.1'), login('60m', '203.0.113.7')],
    near: [login('0m', '10.0.0.1'), login('61m', '203.0.113.7')],
  },
  spike: {
    found: [
      run('0m', 'event.outcome: failure'),
      run('11m', 'event.outcome: failure'),
      ...times(6, (place) => run(`${1_260 + place}s`, 'event.outcome: failure')),
    ],
    near: [
      run('0m', 'event.outcome: failure'),
      ...times(4, (place) => run(`${660 + place}s`, 'event.outcome: failure')),
      ...times(6, (place) => run(`${1_260 + place}s`, 'event.outcome: failure')),
    ],
  },
  absence: {
    found: [run('0d', 'process.name: backup')],
    near: times(3, (place) => run(`${place * 20}h`, 'process.name: backup')),
    progress: '25h',
  },
  ratio: {
    found: times(10, (place) => connection(place, 80, place < 4 ? 'success' : 'failure')),
    near: times(10, (place) => connection(place, 80, place < 5 ? 'success' : 'failure')),
  },
  metric: {
    found: times(10, (place) => run(`${place}s`, `process.args_count: ${place < 8 ? 2 : 300}`)),
    near: times(10, (place) => run(`${place}s`, `process.args_count: ${place < 9 ? 2 : 300}`)),
  },
  sequence: {
    found: [written, started],
    near: [written, '{ at: 1s, event.action: deleted, file.path: /tmp/x }', started],
  },
  cases: {
    found: times(10, (place) =>
      place < 6
        ? `{ at: ${place}s, event.action: authenticated, event.outcome: failure, source.ip: 10.0.0.1 }`
        : `{ at: ${place}s, event.action: connected-to, event.outcome: failure, destination.ip: 10.0.0.1 }`,
    ),
    near: times(10, (place) =>
      place < 6
        ? `{ at: ${place}s, event.action: authenticated, event.outcome: failure, source.ip: 10.0.0.1 }`
        : `{ at: ${place}s, event.action: connected-to, event.outcome: failure, destination.ip: 10.0.0.2 }`,
    ),
  },
  combination: {
    found: [
      run('0s', 'process.name: id, user.name: bob'),
      run('60s', 'process.name: w, user.name: bob'),
      run('5m', 'process.name: whoami, user.name: bob'),
    ],
    near: [
      run('0s', 'process.name: id, user.name: bob'),
      run('60s', 'process.name: w, user.name: eve'),
      run('5m', 'process.name: whoami, user.name: bob'),
    ],
  },
  together: {
    found: [...times(5, (place) => failure(`${place}s`)), login('9s', '10.0.0.9'), added('10m')],
    near: [added('0s'), ...times(5, (place) => failure(`${place + 1}s`)), login('9s', '10.0.0.9')],
  },
};

describe('docs/rules.md, rules about many events', () => {
  it.each([...Object.keys(KIND_READERS), 'cases'])('%s: its example does what it says', (kind) => {
    const { found, near, progress = '1s' } = SHOWN[kind] ?? { found: [], near: [] };
    const spanMs = kind === 'absence' ? '1s' : progress;
    const test = (name: string, events: readonly string[], alerts: number, after: string): string =>
      `  - name: ${name}\n    alerts: ${alerts}\n    progress: ${after}\n    events:\n${events.map((event) => `      - ${event}\n`).join('')}`;
    const text = `id: example\nname: An example\nseverity: low\n${BLOCKS.get(kind) ?? ''}tests:\n${test('found', found, 1, progress)}${test('near', near, 0, spanMs)}`;
    const { rules, diagnostics } = readRuleText('example.yaml', text, new Map());
    expect(diagnostics.map(formatDiagnostic)).toEqual([]);
    const [rule] = rules;
    const results = rule === undefined ? [] : runRuleTests(rule, SHIPPED);
    expect(results.map(({ name, actual, error }) => [name, actual, error])).toEqual([
      ['found', 1, undefined],
      ['near', 0, undefined],
    ]);
  });

  it('the macro reads', () => {
    const read = readMacroText('macros/ssh-failure.yaml', BLOCKS.get('my-rules/macros/ssh-failure.yaml') ?? '', true);
    expect(read.diagnostics).toEqual([]);
    expect(read.macros.map(({ name }) => name)).toEqual(['ssh_failure']);
  });
});
