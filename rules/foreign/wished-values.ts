// What is asked of one field, put together, and a value that has it all, as far as one is easily found. For tests of imported rules.
import { fieldNamed } from '../../event/catalogue.ts';
import type { Scalar } from '../necessary.ts';
import type { PlainValue } from './foreign-rule.ts';

export type Wish =
  | { readonly kind: 'value'; readonly value: Scalar }
  | { readonly kind: 'text'; readonly text: string; readonly isStart: boolean; readonly isEnd: boolean }
  | { readonly kind: 'bound'; readonly operator: '<' | '<=' | '>' | '>='; readonly value: string | number }
  | { readonly kind: 'type'; readonly type: string }
  /** So many characters at least. */
  | { readonly kind: 'length'; readonly length: number }
  /** Words with this between them, each a member of the field. */
  | { readonly kind: 'joined'; readonly separator: string }
  /** The same value as other fields that were given this name. */
  | { readonly kind: 'same'; readonly name: string }
  | { readonly kind: 'there' };

/** Longer texts are not worth an example. */
const TEXT_LENGTH_MAX = 1_000;
/** Fields of which people expect to read something in particular. */
const SAMPLES: Readonly<Record<string, Scalar>> = {
  'host.id': 'web1',
  'host.name': 'web1',
  'user.name': 'alice',
  'user.id': '1000',
  'process.pid': 4711,
  'process.entity_id': 'p1',
};

/** Undefined where no value has all of it, as far as can be seen here. */
export function valueFor(field: string, wishes: readonly Wish[], way: number): PlainValue | undefined {
  const value = scalarFor(field, wishes, way);
  if (value === undefined || (typeof value === 'string' && value.length > TEXT_LENGTH_MAX)) return undefined;
  const joined = wishes.find((wish) => wish.kind === 'joined');
  if (joined !== undefined && typeof value === 'string')
    return joined.separator === '' ? [value] : value.replace(/^ +/, 'program ').split(joined.separator);
  const known = fieldNamed(field);
  if (known?.isArray === true) {
    const all = new Set(wishes.flatMap((wish) => (wish.kind === 'value' ? [wish.value] : [])));
    return all.size > 1 ? [...all] : [value];
  }
  return known?.type === 'long' && typeof value === 'string' && Number.isFinite(Number(value)) ? Number(value) : value;
}

/** The nth of several values of a field that differ. */
export function variedValue(field: string, nth: number): PlainValue {
  const known = fieldNamed(field);
  const value = ((): Scalar => {
    switch (known?.type) {
      case 'long':
        return nth + 1;
      case 'ip':
        return `203.0.113.${(nth % 250) + 1}`;
      case 'boolean':
        return nth % 2 === 0;
      case 'date':
        return new Date(Date.UTC(2026, 0, 5) + nth * 1_000).toISOString();
      default:
        return Object.hasOwn(SAMPLES, field) && nth === 0 ? (SAMPLES[field] ?? null) : `value-${nth + 1}`;
    }
  })();
  return known?.isArray === true ? [value] : value;
}

function scalarFor(field: string, wishes: readonly Wish[], way: number): Scalar | undefined {
  const value = wishes.find((wish) => wish.kind === 'value');
  if (value !== undefined) return value.value;
  const same = wishes.find((wish) => wish.kind === 'same');
  const texts = wishes.filter((wish) => wish.kind === 'text');
  const length = wishes.reduce((least, wish) => (wish.kind === 'length' ? Math.max(least, wish.length) : least), 0);
  if (texts.length > 0) return textFor(field, texts, way).padEnd(Math.min(length, TEXT_LENGTH_MAX + 1), 'x');
  const bounds = wishes.filter((wish) => wish.kind === 'bound');
  const [bound] = [...bounds.filter(({ operator }) => operator.startsWith('>')), ...bounds];
  if (bound !== undefined) return boundFor(bound);
  if (length > 0) return 'x'.repeat(Math.min(length, TEXT_LENGTH_MAX + 1));
  if (same !== undefined) return same.name;
  const type = wishes.find((wish) => wish.kind === 'type')?.type;
  if (type === 'number') return 1;
  if (type === 'boolean') return true;
  const varied = variedValue(field, way);
  return Array.isArray(varied) ? (varied[0] as Scalar) : (varied as Scalar);
}

type TextWish = Extract<Wish, { readonly kind: 'text' }>;

function textFor(field: string, texts: readonly TextWish[], way: number): string {
  const different = [...new Map(texts.map((wish) => [JSON.stringify(wish), wish])).values()];
  const whole = different.find(({ isStart, isEnd }) => isStart && isEnd);
  if (whole !== undefined) return whole.text;
  const parts = [
    ...different.filter(({ isStart }) => isStart),
    ...different.filter(({ isStart, isEnd }) => !isStart && !isEnd),
    ...different.filter(({ isEnd }) => isEnd),
  ].map(({ text }) => text);
  const isOfWords = fieldNamed(field)?.type === 'text' || way % 2 === 1;
  return parts.join(isOfWords ? ' ' : '');
}

function boundFor({ operator, value }: Extract<Wish, { readonly kind: 'bound' }>): Scalar {
  if (typeof value === 'number') return value + { '<': -1, '<=': 0, '>': 1, '>=': 0 }[operator];
  return operator === '>' ? `${value}x` : operator === '<' ? value.slice(0, -1) : value;
}
