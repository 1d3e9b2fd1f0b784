// Events made of a Sigma rule's own searches, as its log source would have written them: some of the rule's searches hold of them.
import type { EventDocument } from '../../../event/document.ts';
import type { PlainRule } from './plain-sigma.ts';

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

export type Pick = <T>(of: readonly T[]) => T;

/** A document of which some of the rule's searches hold, chosen at random; not those that take something out. */
export function documentOf({ logsource, detection }: PlainRule, pick: Pick): EventDocument {
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

export const OTHERWISE: readonly ((text: string) => string)[] = [() => 'qqq'];
const WAYS: typeof OTHERWISE = [
  ...OTHERWISE,
  (text) => `${text}qqq`,
  (text) => `qqq${text}`,
  (text) => text.toUpperCase(),
];

/** The document with one of its texts changed, in each way. */
export function changedOnce(
  document: EventDocument,
  ways: readonly ((text: string) => string)[] = WAYS,
): readonly EventDocument[] {
  const paths: (readonly string[])[] = [];
  const visit = (of: object, path: readonly string[]): void => {
    for (const [key, value] of Object.entries(of)) {
      if (typeof value === 'object' && value !== null) visit(value as object, [...path, key]);
      else if (typeof value === 'string' && value !== 'x' && !NOT_CHANGED.has(key)) paths.push([...path, key]);
    }
  };
  visit(document, []);
  return paths.flatMap((path) => ways.map((way) => changedAt(document, path, way) as EventDocument));
}

function changedAt(value: unknown, [first, ...rest]: readonly string[], way: (text: string) => string): unknown {
  if (first === undefined) return way(String(value));
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[first] = changedAt(copy[first], rest, way);
  return copy;
}
