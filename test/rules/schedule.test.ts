import { describe, expect, it } from 'vitest';
import { nextTimeMs, parseSchedule } from '../../rules/schedule.ts';

const at = (text: string): number => Date.parse(text);

function next(schedule: string, after: string): string | undefined {
  const parsed = parseSchedule(schedule);
  if (parsed === undefined) return undefined;
  const ms = nextTimeMs(parsed, at(after));
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

describe('the next time of a schedule', () => {
  it.each([
    ['0 9 * * 1-5', '2026-11-20T10:00:00Z', '2026-11-23T09:00:00.000Z'],
    ['0 9 * * MON-fri', '2026-11-20T08:59:59.999Z', '2026-11-20T09:00:00.000Z'],
    ['0 9 * * *', '2026-11-20T09:00:00Z', '2026-11-21T09:00:00.000Z'],
    ['*/15 * * * *', '2026-11-20T09:16:00Z', '2026-11-20T09:30:00.000Z'],
    ['5/20 8-10/2 * * *', '2026-11-20T08:46:00Z', '2026-11-20T10:05:00.000Z'],
    ['2 4 * * mon,fri', '2026-11-20T04:02:00Z', '2026-11-23T04:02:00.000Z'],
    ['0 0 * * 7', '2026-11-20T00:00:00Z', '2026-11-22T00:00:00.000Z'],
    ['0 0 29 2 *', '2026-11-20T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['0 0 29 feb *', '2096-03-01T00:00:00Z', '2104-02-29T00:00:00.000Z'],
    ['@daily', '2026-12-31T10:00:00Z', '2027-01-01T00:00:00.000Z'],
    // Where both days are given, either is enough; with a star, both.
    ['0 0 13 * 5', '2026-11-14T00:00:00Z', '2026-11-20T00:00:00.000Z'],
    ['0 0 13 * 5', '2026-12-12T00:00:00Z', '2026-12-13T00:00:00.000Z'],
    ['0 0 */2 * 5', '2026-11-20T00:00:00Z', '2026-11-27T00:00:00.000Z'],
  ])('%s after %s is %s', (schedule, after, expected) => {
    expect(next(schedule, after)).toBe(expected);
  });

  it.each([
    '',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '* 24 * * *',
    '0 0 31 2 *',
    '0 0 0 * *',
    '*/0 * * * *',
    '5-1 * * * *',
  ])('%j is no schedule', (text) => expect(parseSchedule(text)).toBeUndefined());

  it.each([
    '1-2-3 * * * *',
    '1/2/3 * * * *',
    ', * * * *',
    '-1 * * * *',
    'x * * * *',
    '@reboot',
    `${'1,'.repeat(500)}1 * * * *`,
  ])('%j is none either', (text) => expect(parseSchedule(text)).toBeUndefined());
});
