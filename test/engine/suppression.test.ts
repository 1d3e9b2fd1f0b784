import { describe, expect, it } from 'vitest';
import { candidateOf } from '../../engine/candidate-detection.ts';
import { EARLIER_WINDOWS_MAX, type Folded, fold, forgottenFromMs, type Windows } from '../../engine/suppression.ts';
import { orderKeyOf } from '../../event/order.ts';
import { eventOf, ruleWith } from './making.ts';

const rule = ruleWith({ alert: { suppress: { forMs: 100, by: [], growMs: undefined } } });

function foldAll(times: readonly number[], forMs: number, growMs?: number): readonly Folded[] {
  let windows: Windows | undefined;
  return times.map((createdMs, place) => {
    const { id, document } = eventOf({ createdMs, position: place + 1 });
    const order = orderKeyOf(id, document);
    const candidate = candidateOf(rule, document, order);
    if (candidate.kind !== 'suppressed') throw new Error('The rule suppresses.');
    const folded = fold(windows, { order, draft: candidate.draft, forMs, growMs });
    windows = folded.windows;
    return folded;
  });
}

/** `o` opened, `j` joined; late ones in capitals. */
function decisions(folded: readonly Folded[]): string {
  return folded.map(({ decision, isLate }) => (isLate ? (decision[0] ?? '').toUpperCase() : decision[0])).join('');
}

describe('suppression', () => {
  it.each([
    ['the window is closed at its start and open at its end', [0, 99, 100, 199, 200], 100, undefined, 'ojojo'],
    ['joining does not prolong the window', [0, 90, 110], 100, undefined, 'ojo'],
    [
      'a growing window doubles when the next alert follows within twice its span',
      [0, 150, 349, 350],
      100,
      400,
      'oojo',
    ],
    ['it grows no further than its limit', [0, 150, 400, 699, 700], 100, 300, 'ooojo'],
    ['it starts anew after a quiet time of its own length', [0, 200, 299, 300], 100, 400, 'oojo'],
    ['a late one joins the window that covers it', [0, 150, 90], 100, undefined, 'ooJ'],
    ['a late one in the current window joins it', [0, 50, 20], 100, undefined, 'ojJ'],
    [
      'a late one before every window opens its own, which takes in the late ones that follow',
      [1000, 500, 550],
      100,
      undefined,
      'oOJ',
    ],
    ['a late one changes nothing for those in time', [1000, 990, 1099, 1100], 100, undefined, 'oOjo'],
  ] as const)('%s', (_claim, times, forMs, growMs, expected) => {
    expect(decisions(foldAll(times, forMs, growMs))).toBe(expected);
  });

  it('counts what joined and remembers the last of them, whatever comes late', () => {
    const alert = foldAll([0, 50, 20], 100).at(-1)?.alert;
    expect(alert).toMatchObject({ count: 3, openedMs: 0, lastMs: 50, lastEventId: 'h1.b1.2', suppressedUntilMs: 100 });
  });

  it('names the growth of an alert', () => {
    expect(foldAll([0, 150, 400], 100, 1_000).map(({ alert }) => [alert.growth, alert.suppressedUntilMs])).toEqual([
      [0, 100],
      [1, 350],
      [2, 800],
    ]);
  });

  it('marks an alert that a late detection opened', () => {
    expect(foldAll([1000, 500], 100).map(({ alert }) => alert.isLate)).toEqual([false, true]);
  });

  it('keeps a bounded number of past windows, the newest', () => {
    const last = foldAll([0, 100, 200, 300, 400, 500, 600, 700], 100).at(-1);
    expect(last?.windows.earlier.map((alert) => alert.openedMs)).toEqual([300, 400, 500, 600]);
    expect(last?.windows.earlier).toHaveLength(EARLIER_WINDOWS_MAX);
  });

  it('a key is forgotten only when it makes no difference any more', () => {
    const [first] = foldAll([0], 100, 400);
    expect(first && forgottenFromMs(first.windows)).toBe(200);
    expect(foldAll([0, 200], 100, 400)[1]?.alert.growth).toBe(0);
    expect(foldAll([0, 199], 100, 400)[1]?.alert.growth).toBe(1);
  });
});
