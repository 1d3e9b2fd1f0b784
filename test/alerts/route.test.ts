import { describe, expect, it } from 'vitest';
import { notificationIdOf, notificationsOf } from '../../alerts/notification.ts';
import { route } from '../../alerts/route.ts';
import { alertWith } from './making.ts';

const ALL = 'the rule names no channel, so all get it';
const NAMED = 'named by the rule';

describe('route', () => {
  it.each([
    [
      'no name: the terminal, then all the others',
      undefined,
      ['slack', 'terminal'],
      [
        ['terminal', ALL],
        ['slack', ALL],
      ],
    ],
    [
      'no name and no terminal: all',
      undefined,
      ['email', 'slack'],
      [
        ['email', ALL],
        ['slack', ALL],
      ],
    ],
    ['no name and no channel: nowhere', undefined, [], []],
    ['an empty list: nowhere', [], ['terminal', 'slack'], []],
    [
      'names: these, in the rule’s order, each once',
      ['slack', 'email', 'slack'],
      ['terminal', 'email', 'slack'],
      [
        ['slack', NAMED],
        ['email', NAMED],
      ],
    ],
    [
      'an unknown name: the terminal, and it says so',
      ['slak'],
      ['terminal', 'slack'],
      [['terminal', 'the rule names "slak", which is not configured']],
    ],
    [
      'an unknown name beside a known one',
      ['slack', 'pager'],
      ['terminal', 'slack'],
      [
        ['slack', NAMED],
        ['terminal', 'the rule names "pager", which is not configured'],
      ],
    ],
    [
      'an unknown name and no terminal: all that there are',
      ['pager'],
      ['slack', 'email'],
      [
        ['slack', 'the rule names "pager", which is not configured'],
        ['email', 'the rule names "pager", which is not configured'],
      ],
    ],
    [
      'an unknown name where the terminal is named: no second message',
      ['terminal', 'pager'],
      ['terminal'],
      [['terminal', NAMED]],
    ],
  ] as const)('%s', (_claim, to, configured, expected) => {
    expect(route({ to }, configured).map(({ channel, reason }) => [channel, reason])).toEqual(expected);
  });
});

describe('notificationsOf', () => {
  it('makes one per channel, with why', () => {
    expect(notificationsOf(alertWith(), ['terminal', 'slack'])).toMatchObject([
      { channel: 'terminal', alertId: '0alert', reason: `first notification of this alert; ${ALL}` },
      { channel: 'slack', alertId: '0alert' },
    ]);
  });

  it('says that an alert came late', () => {
    expect(notificationsOf(alertWith({ isLate: true }), ['terminal'])[0]?.reason).toContain('came late');
  });

  it('the id is a function of alert, channel and occasion, not of the words', () => {
    const [all] = notificationsOf(alertWith(), ['slack']);
    const [named] = notificationsOf(alertWith({ to: ['slack'] }), ['slack']);
    expect(named?.id).toBe(all?.id);
    expect(notificationIdOf('a', 'b', 'opened')).not.toBe(notificationIdOf('b', 'a', 'opened'));
    expect(all?.id).toMatch(/^[0-9a-z]{25}$/);
  });
});
