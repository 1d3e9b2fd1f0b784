import { describe, expect, it } from 'vitest';
import {
  FIELD_LENGTH_MAX,
  FIELDS_MAX,
  MISSING,
  renderFields,
  renderTitle,
  shorten,
  TITLE_LENGTH_MAX,
  TITLE_VALUE_LENGTH_MAX,
} from '../../engine/rendering.ts';

const document = {
  process: { name: 'bash', args: ['bash', '-c', 'id'], pid: 7 },
  'host.name': 'web-1',
  o: { b: 1, a: [] },
  chain: [{ name: 'bash', pid: 7 }, { pid: 8 }, 'x', { name: 'sshd' }],
};

describe('renderTitle', () => {
  it.each([
    ['{{process.name}} on {{host.name}}', 'bash on web-1'],
    ['{{ process.args }} as {{process.pid}}', 'bash, -c, id as 7'],
    ['{{user.name}} did it', '- did it'],
    ['{{__proto__}} {{constructor.name}}', '- -'],
    ['no place, {one brace} {{}}', 'no place, {one brace} {{}}'],
    ['{{o}}', '{"a":[],"b":1}'],
    ['{{chain.name}} {{chain.none}} {{chain.name.x}}', 'bash, sshd - -'],
  ])('%s', (template, expected) => {
    expect(renderTitle(template, document)).toBe(expected);
  });

  it('makes control characters and direction overrides visible', () => {
    expect(renderTitle('{{a}}', { a: 'x\u001b[2J\n\u202eexe' })).toBe('x\\x1b[2J\\x0a\\u202eexe');
  });

  it('a value that looks like a place is not filled in again', () => {
    expect(renderTitle('{{a}}', { a: '{{b}}', b: 'secret' })).toBe('{{b}}');
  });

  it('bounds each value and the whole', () => {
    expect(renderTitle('{{a}}', { a: 'x'.repeat(5_000_000) })).toHaveLength(TITLE_VALUE_LENGTH_MAX);
    expect(renderTitle('{{a}}'.repeat(100), { a: 'x'.repeat(100) })).toHaveLength(TITLE_LENGTH_MAX);
  });

  it('never leaves half a character', () => {
    expect(shorten(`ab${'😀'.repeat(3)}`, 4)).toBe('ab…');
    expect(renderTitle('{{a}}', { a: '\ud800' })).toBe('\ufffd');
  });
});

describe('a chain of processes', () => {
  const rendered = (ancestors: unknown) => renderFields(['process.ancestors'], { process: { ancestors } })[0]?.value;

  it('reads from the nearest outwards, with pids where they are known', () => {
    const chain = [{ name: 'sh', pid: 7, executable: '/bin/sh' }, { name: 'apache2' }, { name: 'systemd', pid: 1 }];
    expect(rendered(chain)).toBe('sh (7) < apache2 < systemd (1)');
    expect(rendered([{ name: '\u001b[2J', pid: 1 }])).toBe('\\x1b[2J (1)');
  });

  it('is told as it stands where one member is none', () => {
    expect(rendered([{ name: 'sh', pid: 7 }, { pid: 8 }])).toBe('{"name":"sh","pid":7}, {"pid":8}');
    expect(rendered([])).toBe(MISSING);
  });
});

describe('renderFields', () => {
  it('follows the rule’s order and shows what is missing', () => {
    expect(renderFields(['process.pid', 'user.name'], document)).toEqual([
      { name: 'process.pid', value: '7' },
      { name: 'user.name', value: MISSING },
    ]);
  });

  it('shows the usual fields where the rule names none, as far as the event has them', () => {
    expect(renderFields([], { user: { name: 'root' }, process: { command_line: 'id' } })).toEqual([
      { name: 'user.name', value: 'root' },
      { name: 'process.command_line', value: 'id' },
    ]);
  });

  it('bounds values, members of arrays and the number of fields', () => {
    const names = Array.from({ length: 100 }, (_, place) => `f${place}`);
    const fields = renderFields(names, { f0: Array.from({ length: 1_000_000 }, () => 'x') });
    expect(fields).toHaveLength(FIELDS_MAX);
    expect(fields[0]?.value).toHaveLength(FIELD_LENGTH_MAX);
  });
});
