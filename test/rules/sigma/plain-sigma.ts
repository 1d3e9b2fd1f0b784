// What a Sigma rule means, a second time and plainly: the YAML as it stands, asked of the log records that one of our documents was
// made of. Nothing of rules/ is used, nothing is compiled, nothing is quick.
import { isIP } from 'node:net';

type Value = string | number | boolean | null;
/** One log record: a value, or several of which any counts. */
type Log = Readonly<Record<string, Value | readonly Value[] | undefined>>;
type Json = Readonly<Record<string, unknown>>;

export interface PlainRule {
  readonly logsource: Readonly<Record<string, string>>;
  readonly detection: Readonly<Record<string, unknown>>;
}

/** True where the rule holds of some record of the document. */
export function holdsOf(rule: PlainRule, document: Json): boolean {
  const { records, texts } = logOf(document, rule.logsource);
  return records.some((record) => conditionsOf(rule).some((condition) => isTrue(condition, rule, record, texts)));
}

function conditionsOf({ detection }: PlainRule): readonly string[] {
  const { condition } = detection;
  return (Array.isArray(condition) ? condition : [condition]).map(String);
}

/** As JavaScript, which has the same precedence: not, and, or. */
function isTrue(condition: string, { detection }: PlainRule, record: Log, texts: readonly string[]): boolean {
  const names = Object.keys(detection).filter((name) => name !== 'condition');
  const source = condition
    .replaceAll('(', ' ( ')
    .replaceAll(')', ' ) ')
    .replace(/\b(1|any|all)\s+of\s+(\S+)/gi, (_, quantity: string, pattern: string) => {
      const parts = pattern.split('*');
      const meant = names.filter((name) =>
        pattern === 'them'
          ? !name.startsWith('_')
          : isLike(
              name,
              parts.flatMap((part, at): readonly Token[] => [...(at === 0 ? [] : [ANY]), ...part] as readonly Token[]),
            ),
      );
      return `(${meant.map((name) => `#${name}`).join(quantity.toLowerCase() === 'all' ? ' and ' : ' or ')})`;
    })
    .split(/(\s+|[()])/)
    .map((word) => {
      if (/^(\s*|[()])$/.test(word)) return word;
      const operator = { and: '&&', or: '||', not: '!' }[word.toLowerCase()];
      const name = word.replace(/^\(?#/, '');
      return operator ?? (word === 'and' ? '&&' : `holds(${JSON.stringify(name)})`);
    })
    .join('');
  const holds = (name: string): boolean => searchHolds(detection[name], record, texts);
  return Boolean(new Function('holds', `return ${source}`)(holds));
}

function searchHolds(search: unknown, record: Log, texts: readonly string[]): boolean {
  if (Array.isArray(search)) return search.some((one) => searchHolds(one, record, texts));
  if (typeof search === 'object' && search !== null)
    return Object.entries(search).every(([key, value]) => lineHolds(key, value, record, texts));
  return lineHolds('', search, record, texts);
}

function lineHolds(key: string, given: unknown, record: Log, texts: readonly string[]): boolean {
  const [field = '', ...modifiers] = key.split('|');
  const values = Array.isArray(given) ? given : [given];
  const one = (value: unknown): boolean => {
    if (field === '') return texts.some((text) => valueHolds(value, text, [...modifiers, 'contains'], record));
    const raw = record[field];
    const found = raw === undefined ? [] : Array.isArray(raw) ? raw : [raw];
    if (modifiers.includes('exists')) return found.length > 0 === (value === true || value === 'true');
    if (value === null) return found.length === 0 || raw === null;
    return found.some((of) => valueHolds(value, of, modifiers, record));
  };
  const holds = modifiers.includes('all') ? values.every(one) : values.some(one);
  return modifiers.includes('neq') ? !holds : holds;
}

function valueHolds(value: unknown, of: Value, modifiers: readonly string[], record: Log): boolean {
  if (of === null || typeof of === 'boolean') return false;
  const text = String(of);
  const has = (name: string): boolean => modifiers.includes(name);
  const number = /^-?[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : Number.NaN;
  if (has('lt')) return number < Number(value);
  if (has('lte')) return number <= Number(value);
  if (has('gt')) return number > Number(value);
  if (has('gte')) return number >= Number(value);
  if (has('re'))
    return new RegExp(String(value), `${has('i') ? 'i' : ''}${has('m') ? 'm' : ''}${has('s') ? 's' : ''}`).test(text);
  if (has('cidr')) return isWithin(text, String(value));
  const fold = (one: string): string => (has('cased') ? one : folded(one));
  if (has('fieldref')) {
    const other = record[String(value)];
    const others = other === undefined || other === null ? [] : Array.isArray(other) ? other : [other];
    return others.some((one) => {
      const [a, b] = [fold(text), fold(String(one))];
      if (has('contains')) return a.includes(b);
      return has('startswith') ? a.startsWith(b) : has('endswith') ? a.endsWith(b) : a === b;
    });
  }
  const tokens = tokensOf(fold(String(value)));
  const before: readonly Token[] = has('contains') || has('endswith') ? [ANY] : [];
  const behind: readonly Token[] = has('contains') || has('startswith') ? [ANY] : [];
  return isLike(fold(text), [...before, ...tokens, ...behind]);
}

/** Each character by itself, and one sigma. */
function folded(text: string): string {
  return [...text].map((character) => (character === 'ς' ? 'σ' : character.toLowerCase())).join('');
}

const ANY: unique symbol = Symbol('any run');
const ONE: unique symbol = Symbol('one character');
type Token = string | typeof ANY | typeof ONE;

function tokensOf(text: string): readonly Token[] {
  const [first = ''] = text;
  if (text === '') return [];
  const escaped = /^\\([*?\\])/.exec(text)?.[1];
  if (escaped !== undefined) return [escaped, ...tokensOf(text.slice(2))];
  const token: Token = first === '*' ? ANY : first === '?' ? ONE : first;
  return [token, ...tokensOf(text.slice(first.length))];
}

function isLike(text: string, tokens: readonly Token[]): boolean {
  const characters = [...text];
  // Where in the text the tokens read so far may end.
  let ends = new Set([0]);
  for (const token of tokens) {
    const next = new Set<number>();
    for (const end of ends) {
      if (token === ANY) for (let at = end; at <= characters.length; at += 1) next.add(at);
      else if (end < characters.length && (token === ONE || token === characters[end])) next.add(end + 1);
    }
    ends = next;
  }
  return ends.has(characters.length);
}

function isWithin(text: string, network: string): boolean {
  const [address = '', bits = '32'] = network.split('/');
  if (isIP(text) !== 4 || isIP(address) !== 4) return false;
  const number = (of: string): number => of.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(text) / size) === Math.floor(number(address) / size);
}

interface AuditedDocument {
  readonly event?: { readonly [key: string]: unknown };
  readonly process?: { readonly [key: string]: unknown };
  readonly [key: string]: unknown;
}

/** The log that the document stands for, as the log source would have written it. */
function logOf(
  document: AuditedDocument,
  source: PlainRule['logsource'],
): { records: readonly Log[]; texts: readonly string[] } {
  const at = (path: string): never =>
    path.split('.').reduce<unknown>((value, name) => (value as Json | undefined)?.[name], document) as never;
  const line = (path: string): string | undefined => (at(path) as readonly string[] | undefined)?.join(' ');
  const original = [at('event.original'), line('process.args'), at('auditd.data.cmd')] as (string | undefined)[];
  const texts = original.filter((text) => text !== undefined);
  const failed = at('event.outcome') === 'failure';
  if (source['category'] === 'process_creation') {
    const record: Log = {
      Image: at('process.executable'),
      CommandLine: line('process.args'),
      ParentImage: at('process.parent.executable'),
      ParentCommandLine: line('process.parent.args'),
      CurrentDirectory: at('process.working_directory'),
      User: at('user.name'),
      ProcessId: at('process.pid'),
      LogonId: at('auditd.session'),
    };
    return { records: at('event.action') === 'executed' && !failed ? [record] : [], texts };
  }
  if (source['category'] === 'file_event') {
    const types = (at('event.type') ?? []) as readonly string[];
    const flags = (at('auditd.data.open_flags') ?? []) as readonly string[];
    const isMade =
      types.includes('creation') ||
      ['renamed', 'linked', 'symlinked', 'copied-file-content'].includes(at('event.action')) ||
      (at('event.action') === 'opened-file' && (flags.includes('O_CREAT') || flags.includes('O_TRUNC')));
    const isFile = ((at('event.category') ?? []) as readonly string[]).includes('file');
    const record: Log = { TargetFilename: at('file.path'), Image: at('process.executable'), User: at('user.name') };
    return { records: isMade && isFile && !failed ? [record] : [], texts };
  }
  if (source['category'] === 'network_connection') {
    const isMade = ['connected-to', 'accepted-connection-from'].includes(at('event.action'));
    const isOfNetwork = at('destination.ip') !== undefined || at('source.ip') !== undefined;
    const direction: Value | undefined = at('network.direction');
    const record: Log = {
      Image: at('process.executable'),
      DestinationIp: at('destination.ip'),
      DestinationPort: at('destination.port'),
      SourceIp: at('source.ip'),
      Initiated: direction === undefined ? undefined : direction === 'egress' ? 'true' : 'false',
      User: at('user.name'),
    };
    return { records: isMade && isOfNetwork && (!failed || at('error.code') === 'EINPROGRESS') ? [record] : [], texts };
  }
  if (source['service'] === 'auditd') return { records: auditRecords(document, at), texts };
  const messages = [at('message'), at('event.original')].filter((text) => text !== undefined);
  return { records: [{}], texts: source['service'] === undefined ? [...texts, ...messages] : messages };
}

/** The records of one audit event, each by its type, and the line that a search without fields is asked of. */
function auditRecords(document: AuditedDocument, at: (path: string) => never): readonly Log[] {
  const records: Log[] = [];
  const type = String(at('auditd.message_type') ?? '').toUpperCase();
  const args = (at('process.args') ?? []) as readonly string[];
  if (at('event.action') === 'executed')
    records.push({
      type: 'EXECVE',
      argc: at('auditd.data.argc'),
      ...Object.fromEntries(args.map((arg, index) => [`a${index}`, arg])),
    });
  if (at('auditd.data.syscall') !== undefined) {
    const effective: Value | undefined = at('user.effective.id');
    records.push({
      type: 'SYSCALL',
      SYSCALL: at('auditd.data.syscall'),
      ...Object.fromEntries([0, 1, 2, 3].map((index) => [`a${index}`, at(`auditd.data.a${index}`)])),
      exe: at('process.executable'),
      comm: at('process.name'),
      key: at('tags'),
      uid: at('user.id'),
      euid: effective ?? at('user.id'),
      auid: at('user.audit.id') ?? '4294967295',
      success: at('event.outcome') === 'success' ? 'yes' : at('event.outcome') === 'failure' ? 'no' : undefined,
    });
  }
  for (const path of (at('auditd.paths') ?? []) as readonly Log[]) records.push({ type: 'PATH', ...path });
  if (at('process.working_directory') !== undefined)
    records.push({ type: 'CWD', cwd: at('process.working_directory') });
  if (type !== '' && type !== 'SYSCALL') {
    const data = (at('auditd.data') ?? {}) as Log;
    const unit = at('service.name') === undefined ? data['unit'] : [at('service.name'), data['unit'] ?? null];
    const common = {
      exe: at('process.executable'),
      comm: at('process.name'),
      auid: at('user.audit.id') ?? '4294967295',
    };
    records.push({ type, ...data, ...common, unit: unit as never });
  }
  // A search without any field is about the text alone.
  return records.length === 0 && document.event?.['module'] === 'auditd' ? [{}] : records;
}
