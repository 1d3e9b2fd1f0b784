// What a correlation's rule says beside its question: taken from its own document, and where that is silent from the rules that it is made of.
import { SEVERITIES } from '../../event/detection.ts';
import type { PlainRule, PlainValue } from '../foreign/foreign-rule.ts';

/** Alerts show so many fields at most. */
const INCLUDE_MAX = 12;
const AUTHORS_LENGTH_MAX = 500;

interface HeadParts {
  readonly id: string;
  /** Of the correlation, then of all the rules that it is made of. */
  readonly heads: readonly PlainRule[];
  /** Of the detections below it. */
  readonly rules: readonly PlainRule[];
  /** What it asks. */
  readonly keys: PlainRule;
}

/** The whole rule: its head, what it asks, its alert. */
export function correlationDocument({ id, heads, rules, keys }: HeadParts): PlainRule {
  const [own = {}, ...parts] = heads;
  const head: Record<string, PlainValue> = { ...own, id };
  head['severity'] ??= greatestSeverity(parts.flatMap((part) => part['severity'] ?? []));
  // The rules that it is made of are in it: whoever wrote them is named too.
  for (const key of ['author', 'license'] as const) {
    const texts = heads.flatMap((one) => one[key] ?? []).filter((text) => typeof text === 'string');
    if (texts.length > 0) head[key] = [...new Set(texts)].join('; ').slice(0, AUTHORS_LENGTH_MAX);
  }
  const include = [...new Set(rules.flatMap(includedBy))].slice(0, INCLUDE_MAX);
  const alert = { title: titleOf(head['name'], keys['by']), ...(include.length === 0 ? {} : { include }) };
  return { ...inOrder(head), ...keys, alert };
}

function includedBy(rule: PlainRule): readonly string[] {
  const alert = rule['alert'];
  const include = isMap(alert) ? alert['include'] : undefined;
  return Array.isArray(include) ? include.filter((field) => typeof field === 'string') : [];
}

function isMap(value: PlainValue | undefined): value is PlainRule {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** With the values that it was grouped by. `{{` in a title would name a field. */
function titleOf(name: PlainValue | undefined, by: PlainValue | undefined): string {
  const text = String(name);
  const plain = text.includes('{{') || text.includes('}}') ? 'Sigma correlation' : text;
  const fields = Array.isArray(by) ? by.map((field) => (field === 'host.id' ? 'host.name' : String(field))) : [];
  const key = [...new Set(fields)].map((field) => `{{${field}}}`).join(', ');
  return key === '' ? plain : `${plain}: ${key}`;
}

const HEAD = ['id', 'name', 'description', 'severity'];

function inOrder(head: PlainRule): PlainRule {
  const first = HEAD.flatMap((key) => (head[key] === undefined ? [] : [[key, head[key]] as const]));
  return {
    ...Object.fromEntries(first),
    ...Object.fromEntries(Object.entries(head).filter(([key]) => !HEAD.includes(key))),
  };
}

function greatestSeverity(severities: readonly PlainValue[]): string {
  return SEVERITIES.findLast((severity) => severities.includes(severity)) ?? 'medium';
}
