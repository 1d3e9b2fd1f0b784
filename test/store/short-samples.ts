// Events whose ids, entity ids and raw records are told by the rest of their row, or nearly are: another host, number, spelling, or a mark
// that was there before.
import fc from 'fast-check';
import type { NewEvent } from '../../event/document.ts';
import { START_MS } from '../contract/event-samples.ts';

/** Mostly the first. */
function mostly<T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

const hosts = mostly('h1', 'H-1', 'a.b', '', 'ß');
const boots = mostly('5a3c9f10-7d2e-4b1a-9c33-0d1e2f3a4b5c', '5a3c9f10', '5a3c9f1', '5A3C9F10-7d2e', '5a3c-9f10', '');
const serials = mostly<unknown>(700, 0, 35, 999_999_999_999_999, Number.MAX_SAFE_INTEGER, -1, '700', undefined);
const pids = mostly<unknown>(4_000, 0, 1, -1, 999_999_999_999_999, Number.MAX_SAFE_INTEGER, '4000', undefined);
const lasts = fc.constantFrom(
  ...[
    '0',
    '7',
    'z',
    '1z141z3',
    'zzzzzzzzzz',
    '10000000000',
    'zzzzzzzzzzz',
    '00',
    '01',
    'Z',
    '',
    '-1',
    '1.2',
    'e',
    'e0',
    '1e3',
  ],
  ...['98765', '999999999999999', '1000000000000000', 'K', '７', 'x\u0001', ' 1', '0x1f'],
);
/** Mostly as it should be. */
const usually = (text: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 24, arbitrary: fc.constant(text) },
    { weight: 1, arbitrary: fc.constant(text.toUpperCase()) },
    { weight: 1, arbitrary: fc.constant(`0${text}`) },
    { weight: 1, arbitrary: fc.constant('') },
  );

/** The n-th has a time of its own, and with it an id of its own. */
export function nearlyShort(n: number): fc.Arbitrary<NewEvent> {
  const atMs = START_MS + n * 1_001;
  return fc.record({ host: hosts, boot: boots, serial: serials, pid: pids, parentPid: pids }).chain((facts) => {
    const head = fc.tuple(usually(facts.host), usually(facts.boot.slice(0, 8)));
    const time36 = fc.constantFrom(0, 0, 0, -1, 1, 60_000).map((less) => `e${(atMs - less).toString(36)}`);
    const entity = (pid: unknown): fc.Arbitrary<string> =>
      fc
        .tuple(head, usually(String(pid)), fc.oneof(time36, lasts))
        .map(([[host, boot], of, last]) => `${host}.${boot}.${of}.${last}`);
    const id = fc
      .tuple(head, usually(atMs.toString(36)), usually(Number(facts.serial ?? 7).toString(36)), lasts)
      .map(([[host, boot], time, serial, last]) => [host, boot, time, serial, last].join('.'));
    const stamp = `${Math.floor(atMs / 1_000)}.${String(atMs % 1_000).padStart(3, '0')}:${facts.serial ?? ''}`;
    const pieces = fc.constantFrom(
      ...[
        `(${stamp})`,
        `type=SYSCALL msg=audit(${stamp}): `,
        `type=PATH msg=audit(${stamp}): name="/x"\n`,
        stamp,
        `(${stamp}`,
      ],
      ...['(1763726400.000:700)', '(', ')', '"arch=c000003e"', 'é🦊', '((', ': ', '1.0:7', `${stamp})`],
    );
    const marks = fc.constantFrom('\u0001', '(\u0001)', '\u0002');
    const original = fc
      .array(fc.oneof({ weight: 12, arbitrary: pieces }, { weight: 1, arbitrary: marks }), { maxLength: 6 })
      .map((parts) => parts.join(''));
    return fc
      .record({ id, original, own: entity(facts.pid), parent: entity(facts.parentPid), has: fc.nat(7) })
      .map(({ id: wish, original: text, own, parent, has }): NewEvent => {
        const at = new Date(atMs).toISOString();
        const document = {
          '@timestamp': at,
          event: {
            created: at,
            ...(has === 0 ? {} : { original: text }),
            ...(facts.serial === undefined ? {} : { sequence: facts.serial }),
          },
          host: { id: facts.host, boot: { id: facts.boot } },
          process: {
            name: 'x',
            ...(facts.pid === undefined ? {} : { pid: facts.pid }),
            ...(has === 1 ? {} : { entity_id: own }),
            parent: {
              name: 'y',
              ...(facts.parentPid === undefined ? {} : { pid: facts.parentPid }),
              ...(has === 2 ? {} : { entity_id: parent }),
            },
          },
          vedette: { position: n },
        };
        return { id: wish, document };
      });
  });
}
