import { describe, expect, it } from 'vitest';
import { formatBytes, isoTime, renderTable } from '../../cli/table.ts';

const COLUMNS = [{ title: 'NAME', widthMax: 6 }, { title: 'N', align: 'right' }, { title: 'WHAT' }] as const;

describe('a table', () => {
  it('aligns its columns, and gives the last one what is left', () => {
    const rows = [
      ['a', '1', 'short'],
      ['longer-name', '1000', 'x'.repeat(80)],
    ];
    expect(renderTable(COLUMNS, rows, 60)).toBe(
      ['NAME       N  WHAT', 'a          1  short', `longe…  1000  ${'x'.repeat(45)}…`, ''].join('\n'),
    );
  });

  it('shows control characters and direction overrides instead of sending them', () => {
    const text = renderTable(COLUMNS, [['\u001b[2J', '1', 'a\u202eb\nc']], 0);
    expect(text).not.toMatch(/[\u001b\u202e]/);
    expect(text.split('\n')).toHaveLength(3);
  });

  it('never lets the last column vanish', () => {
    const text = renderTable([{ title: 'A' }, { title: 'B' }], [['x'.repeat(300), 'y'.repeat(40)]], 80);
    expect(text).toContain(`${'y'.repeat(15)}…`);
  });

  it('keeps surrogate pairs whole when it cuts', () => {
    expect(renderTable([{ title: 'A', widthMax: 5 }], [['😀😀😀😀']], 80)).toContain('😀😀…');
  });
});

describe('figures', () => {
  it('are times in UTC, and a dash where there is none', () => {
    expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z');
    expect([isoTime(undefined), isoTime(Number.NaN), isoTime(1e300)]).toEqual(['-', '-', '-']);
  });

  it('are sizes of three figures', () => {
    expect([0, 1023, 1024, 1_500_000, 3 * 1024 ** 4].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1 KiB',
      '1.43 MiB',
      '3 TiB',
    ]);
  });
});
