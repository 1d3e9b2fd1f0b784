// Bars, sparklines, progress and the width of text, as a terminal shows them.
import { describe, expect, it } from 'vitest';
import { barText } from '../../cli/progress-bar.ts';
import { barOf, sparklineOf } from '../../cli/search/bars.ts';
import { csvLine } from '../../cli/search/csv.ts';
import { cutToWidth, textWidth } from '../../cli/text-width.ts';

describe('the width of text', () => {
  it.each([
    ['abc', 3],
    ['漢字', 4],
    ['e\u0301', 1],
    ['😀', 2],
    ['한글', 4],
    ['ｗ', 2],
    ['é', 1],
  ])('%s takes %i columns', (text, width) => {
    expect(textWidth(text)).toBe(width);
  });

  it('is never exceeded by what is cut', () => {
    for (const text of ['漢字漢字', 'a漢b字', '😀😀😀', 'abcdef'])
      for (let width = 0; width < 10; width++) expect(textWidth(cutToWidth(text, width))).toBeLessThanOrEqual(width);
    expect(cutToWidth('a漢b字', 4)).toBe('a漢…');
  });
});

describe('bars', () => {
  it('show whatever is more than nothing, and fill the width', () => {
    expect(barOf(0, 10, true)).toBe('');
    expect(barOf(Number.NaN, 10, true)).toBe('');
    expect(barOf(0.0001, 10, true)).toBe('▏');
    expect(barOf(1, 10, true)).toBe('█'.repeat(10));
    expect(barOf(0.0001, 10, false)).toBe('#');
  });

  it('of a line of counts', () => {
    expect(sparklineOf([0, 1, 50, 100], 100, true)).toBe(' ▁▄█');
    expect(sparklineOf([0, 1, 50, 100], 100, false)).toBe(' 159');
  });
});

describe('progress', () => {
  it('tells the share and what is left, or that nothing is known yet', () => {
    expect(barText(undefined, 3_000, true)).toBe('searching, 3 s (Ctrl-C calls it off)');
    expect(barText(0.5, 4_000, true)).toBe(`${'█'.repeat(15)}${'─'.repeat(15)}  50%  4 s, about 4 s left`);
    expect(barText(2, 4_000, false)).toBe(`${'#'.repeat(30)} 100%  4 s`);
  });
});

describe('comma-separated values', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', '-1'],
    ['-1+cmd', "'-1+cmd"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', '\\x09=1'],
    ['a"b', '"a""b"'],
    ['a\nb', 'a\\x0ab'],
    [' a', '" a"'],
    [undefined, ''],
    [null, ''],
    [['a', 'b'], '"[""a"",""b""]"'],
    [5, '5'],
  ])('%j is written %s', (value, written) => {
    expect(csvLine([value])).toBe(`${written}\r\n`);
  });

  it('show control characters, and send none, whatever they are written to', () => {
    expect(csvLine(['a\u001b[2J\nb'])).toBe('a\\x1b[2J\\x0ab\r\n');
  });
});
