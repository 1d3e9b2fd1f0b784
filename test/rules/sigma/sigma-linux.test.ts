// SigmaHQ's Linux rules: each loads, or is listed here with the reason. For each that loads, events are made of its own searches:
// they match, and with one value changed they match exactly where the rule read plainly does (plain-sigma.ts).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { indexRules } from '../../../engine/candidates.ts';
import type { EventDocument } from '../../../event/document.ts';
import { readRules } from '../../../rules/rule-files.ts';
import { holdsOf, type PlainRule } from './plain-sigma.ts';

/** They are not ours to keep here: see the folder's own README for where they are from. */
const FOLDER = process.env['VEDETTE_SIGMA_RULES'] ?? join(import.meta.dirname, '../../../../shared/data/sigma-linux');
const files = existsSync(FOLDER)
  ? readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.yml'))
      .toSorted()
  : [];

const NOT_EXPRESSIBLE: Readonly<Record<string, RegExp>> = {
  'net_connection_lnx_crypto_mining_indicators.yml': /no event has `DestinationHostname`: the kernel sees addresses/,
};
const NOT_COLLECTED = ['lnx_clamav_relevant_message.yml', 'lnx_guacamole_susp_guacamole.yml', 'lnx_sshd_susp_ssh.yml'];

/** What the regular expressions of these rules find. */
const SAMPLES: Readonly<Record<string, string>> = {
  '-D': '-D',
  '-(W|R)\\s?(\\s|"|\')([0-9a-fA-F]{2}\\s?){2,20}(\\s|"|\')': "-W '2f 6d ' ",
  '(?:\\s-[^-\\s]{0,20}i|\\s--inode\\s)': ' -ai ',
  '(?:\\s-[^-\\s]{0,20}d|\\s--directory\\s)': ' -ad ',
  '\\s-O\\s': ' -O ',
  '\\s-[FTd]\\s': ' -F ',
};

type Fields = ReadonlyMap<string, readonly (readonly [modifiers: readonly string[], text: string])[]>;

describe.skipIf(files.length === 0)('SigmaHQ’s Linux rules (skipped where they are not at hand)', () => {
  const texts = new Map(files.map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]));
  const set = readRules([...texts].map(([file, text]) => ({ file, kind: 'own', content: 'rules', text })));
  const byFile = new Map(set.rules.map((rule) => [rule.file, rule]));

  it('each loads, or is not expressible for the reason that is listed', () => {
    for (const name of files) {
      const reason = Object.entries(NOT_EXPRESSIBLE).find(([file]) => name.endsWith(file))?.[1];
      const errors = set.diagnostics.filter(({ file, severity }) => file === name && severity === 'error');
      const told = errors.map(({ message, line }) => `${line}: ${message}`).join('; ');
      if (reason === undefined) expect(told, name).toBe('');
      else expect(told).toMatch(reason);
      expect(byFile.has(name), name).toBe(reason === undefined);
    }
  });

  it('those of logs that are not collected say so, and nothing else is remarked', () => {
    const remarks = set.diagnostics.filter(({ severity }) => severity === 'warning');
    expect(remarks.map(({ file }) => file.split('/').at(-1)).toSorted()).toEqual(NOT_COLLECTED);
    for (const { code } of remarks) expect(code).toBe('sigma/not-collected');
  });

  it('each is in the index, so that it costs nothing on other events', () => {
    for (const rule of set.rules) expect(rule.necessary, rule.file).toBeDefined();
  });

  it('each keeps its id, author and level', () => {
    for (const rule of set.rules) {
      const plain = parse(texts.get(rule.file) ?? '') as { id: string; author: string; level: string; title: string };
      expect(rule).toMatchObject({ id: plain.id, severity: plain.level, name: plain.title });
      expect(rule.author?.replaceAll(' ', '')).toBe(String(plain.author).replaceAll(' ', ''));
      expect(rule.origin).toMatchObject({ format: 'sigma', id: plain.id });
    }
  });

  it.each(files.filter((name) => byFile.has(name)))(
    '%s finds what it describes, and nothing that differs in what it asks',
    (name) => {
      const rule = byFile.get(name);
      if (rule === undefined) throw new Error(name);
      const plain = parse(texts.get(name) ?? '') as PlainRule;
      const index = indexRules([rule], Number.MAX_SAFE_INTEGER);
      const tally = { matched: 0, missed: 0 };
      fc.assert(
        fc.property(fc.infiniteStream(fc.nat(1_000)), (stream) => {
          const pick = <T>(of: readonly T[]): T => of[(stream.next().value ?? 0) % of.length] as T;
          const document = documentOf(plain, pick);
          const isMatch = holdsOf(plain, document);
          expect(rule.match(document, 0), JSON.stringify(document)).toBe(isMatch);
          if (!isMatch) return;
          tally.matched += 1;
          expect(index.candidates(document)).toHaveLength(1);
          for (const changed of changedOnce(document)) {
            const isStill = holdsOf(plain, changed);
            expect(rule.match(changed, 0), JSON.stringify(changed)).toBe(isStill);
            tally.missed += Number(!isStill);
          }
        }),
        { numRuns: 8 },
      );
      expect(tally.matched).toBeGreaterThan(0);
      expect(tally.missed).toBeGreaterThan(0);
    },
  );
});

type Pick = <T>(of: readonly T[]) => T;

/** A document of which some of the rule's searches hold, chosen at random; not those that take something out. */
function documentOf({ logsource, detection }: PlainRule, pick: Pick): EventDocument {
  const names = Object.keys(detection).filter((name) => !/^(?:condition|.*filter.*|falsepositives)$/.test(name));
  const chosen = pick([true, false]) ? names : names.filter(() => pick([true, false]));
  const fields = new Map<string, (readonly [readonly string[], string])[]>();
  for (const name of chosen.length === 0 ? [pick(names)] : chosen) addSearch(detection[name], fields, pick);
  return logged(logsource, fields);
}

function addSearch(search: unknown, fields: Map<string, (readonly [readonly string[], string])[]>, pick: Pick): void {
  if (Array.isArray(search)) addSearch(pick(search), fields, pick);
  else if (typeof search !== 'object' || search === null) put(fields, '', [], String(search));
  else {
    for (const [key, value] of Object.entries(search)) {
      const [field = '', ...modifiers] = key.split('|');
      const values: readonly unknown[] = Array.isArray(value) ? value : [value];
      for (const one of modifiers.includes('all') ? values : [pick(values)]) put(fields, field, modifiers, String(one));
    }
  }
}

function put(
  fields: Map<string, (readonly [readonly string[], string])[]>,
  field: string,
  modifiers: readonly string[],
  value: string,
): void {
  const text = modifiers.includes('re') ? (SAMPLES[value] ?? value) : value.replaceAll('*', 'zz').replaceAll('?', 'z');
  fields.set(field, [...(fields.get(field) ?? []), [modifiers, text]]);
}

/** One text that has all the pieces where they are wanted. */
function textOf(fields: Fields, field: string): string | undefined {
  const pieces = fields.get(field);
  if (pieces === undefined) return undefined;
  const having = (...modifiers: readonly string[]): string =>
    pieces
      .filter(([all]) => modifiers.some((modifier) => all.includes(modifier)))
      .map(([, text]) => text)
      .join(' ');
  const whole = pieces.find(([all]) => !all.some((modifier) => /contains|with|re/.test(modifier)));
  return whole?.[1] ?? `${having('startswith')}${having('contains', 're')}${having('endswith')}`;
}

function logged(logsource: PlainRule['logsource'], fields: Fields): EventDocument {
  const of = (field: string): string | undefined => textOf(fields, field);
  const args = (field: string): readonly string[] | undefined => of(field)?.split(' ');
  const words = fields
    .get('')
    ?.map(([, text]) => text)
    .join(' ');
  const parent = { executable: of('ParentImage'), args: args('ParentCommandLine') };
  const user = { name: of('User') };
  const event = { module: 'auditd', outcome: 'success', original: words };
  switch (logsource['category'] ?? logsource['service'] ?? '') {
    case 'process_creation':
      return clean({
        event: { ...event, action: 'executed' },
        user,
        process: {
          executable: of('Image'),
          args: args('CommandLine'),
          working_directory: of('CurrentDirectory'),
          parent,
        },
        auditd: { session: of('LogonId') },
      });
    case 'file_event':
      return clean({
        event: { ...event, action: 'opened-file', category: ['file'], type: ['creation'] },
        process: { executable: of('Image') },
        file: { path: of('TargetFilename') },
      });
    case 'network_connection':
      return clean({
        event: { ...event, action: 'connected-to' },
        process: { executable: of('Image') },
        destination: { ip: of('DestinationIp') ?? '203.0.113.7' },
        network: { direction: 'egress' },
      });
    case 'auditd':
      return audited(of, event);
    default:
      return clean({ message: words });
  }
}

function audited(of: (field: string) => string | undefined, event: EventDocument): EventDocument {
  const type = (of('type') ?? 'EXECVE').toUpperCase();
  const data = (...names: readonly string[]): EventDocument =>
    Object.fromEntries(names.map((name) => [name, of(name)]));
  const process = { executable: of('exe'), name: of('comm') };
  if (type === 'EXECVE') {
    const args = Array.from({ length: 9 }, (_, index) => of(`a${index}`) ?? 'x');
    return clean({
      event: { ...event, action: 'executed' },
      process: { ...process, args },
      auditd: { message_type: 'syscall', data: { syscall: 'execve' } },
    });
  }
  if (type === 'SYSCALL')
    return clean({
      event,
      process,
      tags: of('key') === undefined ? undefined : [of('key')],
      auditd: { message_type: 'syscall', data: { syscall: of('SYSCALL') ?? 'other', ...data('a0', 'a1', 'a2', 'a3') } },
    });
  if (type === 'PATH')
    return clean({
      event,
      auditd: {
        message_type: 'syscall',
        data: { syscall: 'openat' },
        paths: [
          { name: '/x', nametype: 'PARENT' },
          { nametype: 'NORMAL', ...data('name', 'nametype') },
        ],
      },
    });
  return clean({ event, process, auditd: { message_type: type.toLowerCase(), data: data('unit', 'acct', 'op') } });
}

function clean(document: object): EventDocument {
  return JSON.parse(JSON.stringify(document)) as EventDocument;
}

/** Words of ours, which are never in another case. */
const NOT_CHANGED: ReadonlySet<string> = new Set(['module', 'message_type']);

/** The document with one of its texts changed, in each way. */
function changedOnce(document: EventDocument): readonly EventDocument[] {
  const paths: (readonly string[])[] = [];
  const visit = (of: object, path: readonly string[]): void => {
    for (const [key, value] of Object.entries(of)) {
      if (typeof value === 'object' && value !== null) visit(value as object, [...path, key]);
      else if (typeof value === 'string' && value !== 'x' && !NOT_CHANGED.has(key)) paths.push([...path, key]);
    }
  };
  visit(document, []);
  const ways: readonly ((text: string) => string)[] = [
    () => 'qqq',
    (text) => `${text}qqq`,
    (text) => `qqq${text}`,
    (text) => text.toUpperCase(),
  ];
  return paths.flatMap((path) => ways.map((way) => changedAt(document, path, way) as EventDocument));
}

function changedAt(value: unknown, [first, ...rest]: readonly string[], way: (text: string) => string): unknown {
  if (first === undefined) return way(String(value));
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[first] = changedAt(copy[first], rest, way);
  return copy;
}
