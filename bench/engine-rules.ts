// The rules of the engine's benchmark: made of the names, paths and arguments that recorded events and the shipped lists hold, in the
// proportions of Sigma's Linux rules (endings, parts of command lines, lists of values, a few expressions and exceptions). Rule n is a
// function of n alone. Each is written three times: as our rules are, in JSONata's own functions only, and as Sigma.
import { readdirSync, readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import type { EventDocument } from '../event/document.ts';

const LISTS = new URL('../rules/library/lists/', import.meta.url);

type Operator = 'is' | 'contains' | 'containsAll' | 'startswith' | 'endswith' | 're';

interface Condition {
  readonly field: string;
  readonly operator: Operator;
  readonly values: readonly string[];
}

export interface MadeRule {
  readonly id: string;
  readonly wanted: readonly Condition[];
  /** None of them. */
  readonly unwanted: readonly Condition[];
}

/** `ours`: case counts, as people write it. `folded`: as Sigma means it. `jsonata`: without our functions. */
export type Style = 'ours' | 'folded' | 'jsonata';

interface Words {
  readonly names: readonly string[];
  readonly paths: readonly string[];
  readonly args: readonly string[];
  readonly actions: readonly string[];
}

/** What intruders start and administrators seldom do; the rest comes from events and lists. */
const TOOLS =
  'nmap masscan hydra john hashcat linpeas pspy chisel frpc ngrok socat ncat tcpdump tshark gdb strace rclone mimipenguin xmrig minerd kubectl crictl docker nsenter unshare chroot insmod setcap getcap chattr shred xxd base64 openssl gpg python3 perl ruby php lua awk find vim less man tar zip cpio dd rsync scp sftp ssh wget curl ftp tftp telnet at crontab systemctl journalctl auditctl iptables nft ip tc useradd usermod passwd chpasswd visudo doas pkexec su'.split(
    ' ',
  );

export function wordsOf(documents: readonly EventDocument[]): Words {
  const [names, paths, args, actions] = [new Set(TOOLS), new Set<string>(), new Set<string>(), new Set<string>()];
  for (const document of documents) {
    const { process, file, event } = document as Record<string, Record<string, unknown> | undefined>;
    if (typeof process?.['name'] === 'string') names.add(process['name']);
    for (const path of [process?.['executable'], file?.['path'], process?.['working_directory']]) {
      if (typeof path === 'string' && path.length > 6) paths.add(path);
    }
    for (const arg of Array.isArray(process?.['args']) ? process['args'] : []) {
      if (typeof arg === 'string' && /^[\x20-\x7e]{4,40}$/.test(arg)) args.add(arg);
    }
    if (typeof event?.['action'] === 'string') actions.add(event['action']);
  }
  for (const file of readdirSync(LISTS)) {
    for (const list of parseAllDocuments(readFileSync(new URL(file, LISTS), 'utf8'))) {
      const { values = [] } = (list.toJS() ?? {}) as { values?: readonly unknown[] };
      for (const value of values.map(String)) {
        if (value.startsWith('/')) paths.add(value.replaceAll('*', ''));
        else if (/^[a-z0-9_.-]{2,20}$/.test(value)) names.add(value);
      }
    }
  }
  const sorted = (words: ReadonlySet<string>): readonly string[] =>
    [...words].filter((word) => !/[\\"*:/]/.test(word) || word.startsWith('/')).toSorted();
  return { names: sorted(names), paths: sorted(paths), args: sorted(args), actions: sorted(actions) };
}

export function makeRules(count: number, words: Words): readonly MadeRule[] {
  return Array.from({ length: count }, (_, n) => makeRule(n, words));
}

function makeRule(n: number, words: Words): MadeRule {
  let state = (Math.imul(n + 1, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  const below = (end: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * end);
  };
  for (let round = 0; round < 4; round += 1) below(1);
  const some = (of: readonly string[], most: number): readonly string[] => [
    ...new Set(Array.from({ length: 1 + below(most) }, () => of[below(of.length)] ?? '')),
  ];
  /** Most rules are about what an ordinary day has not. */
  const flags = (most: number): readonly string[] =>
    some(words.args, most).map((arg) => (below(10) < 2 ? arg : `${arg}${below(90)}`));
  const names = (most: number): readonly string[] =>
    some(words.names, most).map((name) => (below(10) < 4 ? name : `${name}${below(90)}`));
  const own = (paths: readonly string[]): readonly string[] =>
    paths.map((path) => (below(10) < 2 ? path : `${path}.${below(900)}`));
  const executed: Condition = { field: 'event.action', operator: 'is', values: ['executed'] };
  const unwanted: readonly Condition[] =
    below(4) === 0 ? [{ field: 'process.parent.name', operator: 'is', values: some(words.names, 3) }] : [];
  const id = `made-${n}`;
  const kind = below(100);
  if (kind < 35) {
    const ends = names(3).map((name) => `/${name}`);
    const values = flags(4);
    const operator = values.length > 1 && below(3) === 0 ? 'containsAll' : 'contains';
    const part: Condition = { field: 'process.command_line', operator, values };
    return {
      id,
      wanted: [executed, { field: 'process.executable', operator: 'endswith', values: ends }, part],
      unwanted,
    };
  }
  if (kind < 55) {
    const named: Condition = { field: 'process.name', operator: 'is', values: names(4) };
    return {
      id,
      wanted: [executed, named, { field: 'process.command_line', operator: 'contains', values: flags(3) }],
      unwanted,
    };
  }
  if (kind < 75) {
    const actions: Condition = {
      field: 'event.action',
      operator: 'is',
      values: [...some(words.actions, 3), 'opened-file'],
    };
    const operator = (['is', 'startswith', 'endswith', 'contains'] as const)[below(4)] ?? 'is';
    return { id, wanted: [actions, { field: 'file.path', operator, values: own(some(words.paths, 5)) }], unwanted };
  }
  if (kind < 85) {
    const parents: Condition = { field: 'process.parent.name', operator: 'is', values: names(4) };
    const named: Condition = { field: 'process.name', operator: 'is', values: names(6) };
    return { id, wanted: [executed, parents, named], unwanted: [] };
  }
  if (kind < 95) {
    const [first = '', second = ''] = [...names(1), ...names(1)];
    const pattern = `(^|[\\s/])${escaped(first)}\\s.*[|;]\\s*${escaped(second)}(\\s|$)`;
    return { id, wanted: [executed, { field: 'process.command_line', operator: 're', values: [pattern] }], unwanted };
  }
  const actions: Condition = { field: 'event.action', operator: 'is', values: ['connected-to', 'bound-socket'] };
  return {
    id,
    wanted: [
      actions,
      { field: 'process.executable', operator: 'endswith', values: names(4).map((name) => `/${name}`) },
    ],
    unwanted,
  };
}

/** The YAML of a rule as this product reads it. */
export function yamlOf(rule: MadeRule, style: Style): string {
  return `id: ${rule.id}
name: Made rule ${rule.id}
description: One of many, for measuring.
severity: medium
match: |
  ${matchOf(rule, style)}
by: [host.id]
alert:
  title: "{{process.name}} on {{host.name}}"
  include: [process.command_line, file.path]
  suppress: { for: 1h, by: [host.id] }
`;
}

/** The JSONata of a rule. */
export function matchOf({ wanted, unwanted }: MadeRule, style: Style): string {
  return [
    ...wanted.map((condition) => clauseOf(condition, style)),
    ...unwanted.map((condition) => `$not(${clauseOf(condition, style)})`),
  ].join(' and ');
}

function clauseOf({ field, operator, values }: Condition, style: Style): string {
  const quoted = values.map((value) => JSON.stringify(value));
  const call = style === 'jsonata' ? '$contains' : '$matches';
  const flags = style === 'folded' ? 'i' : '';
  const any = (before: string, after: string): string =>
    `${call}(${field}, /${before}(?:${values.map(escaped).join('|')})${after}/${flags})`;
  switch (operator) {
    case 'is':
      if (style === 'folded') return `$is(${field}, ${quoted.join(', ')})`;
      return values.length === 1 ? `${field} = ${quoted[0]}` : `${field} in [${quoted.join(', ')}]`;
    case 'startswith':
      return style === 'ours' ? `$startswith(${field}, ${quoted.join(', ')})` : any('^', '');
    case 'endswith':
      return style === 'ours' ? `$endswith(${field}, ${quoted.join(', ')})` : any('', '$');
    case 'contains':
      return style === 'folded' || values.length > 1 ? any('', '') : `$contains(${field}, ${quoted[0]})`;
    case 'containsAll':
      return values.map((value) => clauseOf({ field, operator: 'contains', values: [value] }, style)).join(' and ');
    case 're':
      return `${call}(${field}, /${values[0]?.replaceAll('/', '\\/')}/)`;
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** The same rule as Sigma: there a value's case never counts but for `re`. */
export function sigmaOf(rule: MadeRule, n: number): string {
  const selection = (conditions: readonly Condition[]): string =>
    conditions
      .map(({ field, operator, values }) => {
        const modifier = operator === 'is' ? '' : operator === 'containsAll' ? '|contains|all' : `|${operator}`;
        return `    ${field}${modifier}:\n${values.map((value) => `      - ${quotedForYaml(value)}`).join('\n')}`;
      })
      .join('\n');
  const hasUnwanted = rule.unwanted.length > 0;
  return `title: Made rule ${rule.id}
id: 00000000-0000-4000-8000-${String(n).padStart(12, '0')}
status: test
logsource:
  product: linux
detection:
  selection:
${selection(rule.wanted)}
${hasUnwanted ? `  filter:\n${selection(rule.unwanted)}\n` : ''}  condition: selection${hasUnwanted ? ' and not filter' : ''}
level: medium
`;
}

function quotedForYaml(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
