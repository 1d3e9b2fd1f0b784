// Everything of a Sigma document that is no question to events: title, level, authors, licence, references, … in our keys. Nothing is
// dropped: what has no key of its own here is in `origin`, `tags` or the description.
import { SEVERITIES } from '../../event/detection.ts';
import { nearest } from '../../event/nearest-name.ts';
import { type Diagnostic, visible } from '../diagnostic.ts';
import type { PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import { plainValue } from '../language/readers.ts';
import { diagnosticAt, type Problem } from '../language/source-text.ts';
import { attackOf } from './attack.ts';
import { memberOf, type SigmaDocument, textOf, textsOf } from './sigma-document.ts';

export interface Metadata {
  /** In the order in which they are written; never `match`, `alert`, `tests`. */
  readonly keys: PlainRule;
  readonly places: ReadonlyMap<string, number>;
  readonly diagnostics: readonly Diagnostic[];
}

/** Sigma's are named as ours. */
const LEVELS: readonly string[] = SEVERITIES;
const STATUSES = ['stable', 'test', 'experimental', 'deprecated', 'unsupported'];
const URL = /^https?:\/\/[^\s"'<>]{1,1900}$/;
const ID = /^[a-z0-9][a-z0-9_-]{0,99}$/;

interface Reading {
  readonly document: SigmaDocument;
  readonly diagnostics: Diagnostic[];
  readonly places: Map<string, number>;
}

export function readMetadata(document: SigmaDocument): Metadata {
  const reading: Reading = { document, diagnostics: [], places: new Map() };
  const title = oneText('title', 'name', reading);
  if (title === undefined && memberOf(document.root, 'title') === undefined) {
    tell(reading, document.root.at, { message: 'a rule needs a `title`', remedy: 'Add `title: …`.' });
  }
  const tags = manyTexts('tags', 'tags', reading);
  const attack = [...new Set(tags.flatMap((tag) => attackOf(tag) ?? []))];
  const others = tags.filter((tag) => attackOf(tag) === undefined);
  const references = manyTexts('references', 'references', reading);
  const urls = references.filter((reference) => URL.test(reference));
  const falsePositives = manyTexts('falsepositives', 'false_positives', reading);
  const status = statusOf(reading);
  const keys: Record<string, PlainValue | undefined> = {
    id: idOf(title, reading),
    name: title ?? 'untitled',
    description: descriptionOf(
      references.filter((reference) => !URL.test(reference)),
      reading,
    ),
    severity: levelOf(reading),
    tags: listed(others),
    mitre: listed(attack),
    references: listed(urls),
    author: manyTexts('author', 'author', reading).join(', ') || undefined,
    license: oneText('license', 'license', reading),
    false_positives: listed(falsePositives),
    origin: originOf(status, reading),
    status: status === 'deprecated' || status === 'unsupported' ? 'off' : undefined,
  };
  const known = Object.entries(keys).filter((entry): entry is [string, PlainValue] => entry[1] !== undefined);
  return { keys: Object.fromEntries(known), places: reading.places, diagnostics: reading.diagnostics };
}

function tell({ document, diagnostics }: Reading, at: number, problem: Omit<Problem, 'code'>): undefined {
  diagnostics.push(diagnosticAt(document.source, at, { code: 'sigma/metadata', ...problem }));
  return undefined;
}

function listed(values: readonly string[]): readonly string[] | undefined {
  return values.length === 0 ? undefined : values;
}

function oneText(key: string, ours: string, reading: Reading): string | undefined {
  const node = memberOf(reading.document.root, key);
  if (node === undefined) return undefined;
  reading.places.set(ours, node.at);
  const text = textOf(node)?.trim();
  return text ?? tell(reading, node.at, { message: `\`${key}\` must be a text`, remedy: 'Put it in quotes.' });
}

/** A list of texts, or one. Null is none. */
function manyTexts(key: string, ours: string, reading: Reading): readonly string[] {
  const node = memberOf(reading.document.root, key);
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
  reading.places.set(ours, node.at);
  const texts = textsOf(node);
  if (texts !== undefined) return [...new Set(texts.map(({ text }) => text.trim()))];
  tell(reading, node.at, { message: `\`${key}\` must be a list of texts`, remedy: 'Write one `- text` a line.' });
  return [];
}

/** The rule's UUID; without it its name, or what its title is made of letters and digits. */
function idOf(title: string | undefined, reading: Reading): string {
  const { document } = reading;
  const node = memberOf(document.root, 'id') ?? memberOf(document.root, 'name') ?? memberOf(document.root, 'title');
  reading.places.set('id', node?.at ?? document.root.at);
  const given = (document.id ?? document.name)?.toLowerCase();
  if (given !== undefined && ID.test(given)) return given;
  const slug = (given ?? title ?? 'untitled')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 100)
    .replace(/^-+|-+$/g, '');
  if (given === undefined && document.kind !== 'filter') {
    const message = `the rule has no \`id\`: it goes by its title, \`${slug}\``;
    const remedy = 'Give it a UUID: alerts and suppression go by the id, and a title may change.';
    tell(reading, node?.at ?? document.root.at, { severity: 'warning', message, remedy });
  }
  return slug === '' ? 'untitled' : slug;
}

function descriptionOf(texts: readonly string[], reading: Reading): string | undefined {
  const definition = textOf(memberOf(memberOf(reading.document.root, 'logsource'), 'definition'))?.trim();
  const parts = [
    oneText('description', 'description', reading),
    definition === undefined ? undefined : `Log source: ${definition}`,
    texts.length === 0 ? undefined : `See also: ${texts.join('; ')}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : parts.join('\n\n');
}

function levelOf(reading: Reading): string | undefined {
  const node = memberOf(reading.document.root, 'level');
  // A correlation takes that of its rules.
  if (node === undefined) return reading.document.kind === 'correlation' ? undefined : 'medium';
  reading.places.set('severity', node.at);
  const level = textOf(node)?.toLowerCase() ?? '';
  return LEVELS.includes(level) ? level : tell(reading, node.at, unknownWord(level, 'level', LEVELS));
}

function statusOf(reading: Reading): string | undefined {
  const node = memberOf(reading.document.root, 'status');
  if (node === undefined) return undefined;
  reading.places.set('status', node.at);
  const status = textOf(node)?.toLowerCase() ?? '';
  if (!STATUSES.includes(status)) return tell(reading, node.at, unknownWord(status, 'status', STATUSES));
  if (status === 'deprecated' || status === 'unsupported') {
    const message = `the rule is ${status}: it is off`;
    const remedy = 'Take the rule that replaces it (`related`), or give it another status.';
    tell(reading, node.at, { severity: 'warning', message, remedy });
  }
  return status;
}

function unknownWord(word: string, key: string, words: readonly string[]): Omit<Problem, 'code'> {
  const guess = nearest(word, words);
  const remedy = guess === undefined ? `One of ${words.join(', ')}.` : `Did you mean \`${guess}\`?`;
  return { message: `\`${visible(word)}\` is no ${key}`, remedy };
}

/** Where the rule comes from, for those who look for its original. */
function originOf(status: string | undefined, reading: Reading): PlainValue {
  const { document } = reading;
  const origin: Record<string, PlainValue> = { format: 'sigma' };
  if (document.id !== undefined) origin['id'] = document.id;
  if (status !== undefined) origin['status'] = status;
  for (const key of ['date', 'modified', 'taxonomy'] as const) {
    const text = textOf(memberOf(document.root, key));
    if (text !== undefined) origin[key] = text;
  }
  const related = relatedOf(document);
  if (related.length > 0) origin['related'] = related;
  return origin;
}

/** `derived a5b977d6-…`: each as one text. */
function relatedOf({ root }: SigmaDocument): readonly string[] {
  const node = memberOf(root, 'related');
  if (node?.kind !== 'list') return [];
  return node.items.flatMap((item) => {
    const { type, id } = (plainValue(item) ?? {}) as { readonly type?: unknown; readonly id?: unknown };
    return typeof id === 'string' ? [`${typeof type === 'string' ? type : 'similar'} ${id}`] : [];
  });
}
