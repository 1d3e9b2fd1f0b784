// Sigma's correlations, imported and run: each type of the specification with an example of its kind, a burst that lies astride every
// boundary of its time span, and a near miss; aliases, chains, `generate`; and what cannot be said, with its place.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alertsOf, type Given, importSigma } from './sigma-run.ts';

/** A detection of one program, named after it. */
function program(name: string, more = ''): string {
  return `title: ${name} was run
id: ${idOf(name)}
name: ${name}
author: Author of ${name}
logsource: { product: linux, category: process_creation }
${more}detection:
  selection: { Image|endswith: /${name} }
  condition: selection
`;
}

/** A UUID that tells the name, so that tests can. */
function idOf(name: string): string {
  return `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').padStart(12, '0').slice(-12)}`;
}

const CORRELATION_ID = 'c0000000-0000-4000-8000-000000000001';

function correlation(words: string, more = ''): string {
  return `title: A correlation\nid: ${CORRELATION_ID}\n${more}correlation:\n${words.replace(/^/gm, '  ')}\n`;
}

function files(...documents: readonly string[]): string {
  return documents.join('---\n');
}

function run(name: string, at: number, fields: Partial<Given> = {}): Given {
  return { at, 'process.executable': `/usr/bin/${name}`, ...fields };
}

/** So many, evenly from `from` to `to` seconds. */
function spread(count: number, from: number, to: number, fields: Partial<Given> = {}): readonly Given[] {
  return Array.from({ length: count }, (_, place) =>
    run('su', from + Math.round(((to - from) * place) / Math.max(1, count - 1)), fields),
  );
}

function alerts(text: string | Readonly<Record<string, string>>, events: readonly Given[]): number {
  const imported = importSigma(text);
  expect(imported.told.filter((one) => !one.includes('sigma/silent'))).toEqual([]);
  return alertsOf(imported, events).filter((id) => id === CORRELATION_ID).length;
}

describe('event_count', () => {
  const rule = (condition: string): string =>
    files(
      correlation(
        `type: event_count\nrules: [su]\ngroup-by: [ComputerName, User]\ntimespan: 5m\ncondition: ${condition}`,
      ),
      program('su'),
    );

  it('gte: a burst astride a boundary, and nothing less, longer or of several', () => {
    expect(alerts(rule('{ gte: 10 }'), spread(10, -140, 140))).toBe(1);
    expect(alerts(rule('{ gte: 10 }'), spread(9, -140, 140))).toBe(0);
    expect(alerts(rule('{ gte: 10 }'), spread(10, -150, 150))).toBe(0);
    expect(alerts(rule('{ gte: 10 }'), [...spread(5, -140, 0), ...spread(5, 1, 140, { 'user.name': 'eve' })])).toBe(0);
    expect(alerts(rule('{ gte: 10 }'), [...spread(5, -140, 0), ...spread(5, 1, 140, { 'host.id': 'h2' })])).toBe(0);
  });

  it('gt is one more', () => {
    expect(alerts(rule('{ gt: 10 }'), spread(10, -140, 140))).toBe(0);
    expect(alerts(rule('{ gt: 10 }'), spread(11, -140, 140))).toBe(1);
  });

  it('lt and lte: fewer in a whole window of a key that was seen', () => {
    expect(alerts(rule('{ lt: 3 }'), spread(2, 0, 10))).toBe(1);
    expect(alerts(rule('{ lte: 2 }'), spread(2, 0, 10))).toBe(1);
  });

  it('eq and ranges: no more than so many; a burst does not pass through them', () => {
    expect(alerts(rule('{ eq: 3 }'), spread(3, -140, 140))).toBe(1);
    expect(alerts(rule('{ eq: 3 }'), spread(2, -140, 140))).toBe(0);
    expect(alerts(rule('{ eq: 3 }'), spread(100, -140, 140))).toBe(0);
    expect(alerts(rule('{ gt: 2, lte: 5 }'), spread(5, -140, 140))).toBe(1);
    expect(alerts(rule('{ gt: 2, lte: 5 }'), spread(6, -140, 140))).toBe(0);
    expect(alerts(rule('{ gt: 2, lte: 5 }'), spread(2, -140, 140))).toBe(0);
  });

  it('counts an event once that several of its rules match', () => {
    const both = files(
      correlation('type: event_count\nrules: [su, root]\ngroup-by: [User]\ntimespan: 5m\ncondition: { gte: 3 }'),
      program('su'),
      program('root').replace('Image|endswith: /root', 'User: bob'),
    );
    expect(alerts(both, spread(2, 0, 10))).toBe(0);
    expect(alerts(both, [...spread(2, 0, 10), run('ls', 11)])).toBe(1);
    expect(alerts(both, [...spread(2, 0, 10), run('ls', 11, { 'user.name': 'eve' })])).toBe(0);
  });

  it('finds each burst, wherever it lies', () => {
    const imported = importSigma(rule('{ gte: 4 }'));
    const gaps = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 3, maxLength: 12 });
    const check = fc.property(fc.integer({ min: -40_000, max: 40_000 }), gaps, (start, steps) => {
      const times = [start];
      for (const step of steps) times.push((times.at(-1) ?? start) + step);
      const isBurst = times.some((first, place) => (times[place + 3] ?? Number.POSITIVE_INFINITY) - first < 300);
      const found = alertsOf(
        imported,
        times.map((at) => run('su', at)),
      );
      expect(found.length > 0).toBe(isBurst);
    });
    fc.assert(check, { numRuns: 150 });
  });
});

describe('value_count', () => {
  const rule = (condition: string): string =>
    files(
      correlation(`type: value_count\nrules: [su]\ngroup-by: [ComputerName]\ntimespan: 1h\ncondition: ${condition}`),
      program('su'),
    );
  const by = (...users: readonly string[]): readonly Given[] =>
    users.map((name, place) => run('su', -1_500 + place * 700, { 'user.name': name }));

  it('different values, not events, astride a boundary', () => {
    expect(alerts(rule('{ field: User, gte: 4 }'), by('a', 'b', 'c', 'd'))).toBe(1);
    expect(alerts(rule('{ field: User, gte: 4 }'), by('a', 'b', 'c', 'c'))).toBe(0);
    expect(alerts(rule('{ field: User, gt: 4 }'), by('a', 'b', 'c', 'd'))).toBe(0);
    expect(alerts(rule('{ field: User, eq: 2 }'), by('a', 'b', 'a', 'b'))).toBe(1);
    expect(alerts(rule('{ field: User, eq: 2 }'), by('a', 'b', 'a', 'c'))).toBe(0);
  });

  it('a command line is one value, not one for each of its arguments', () => {
    const lines = (...all: readonly string[]): readonly Given[] =>
      all.map((line, place) =>
        run('su', place, { 'process.args': line.split(' '), 'process.command_line': line, 'user.name': `u${place}` }),
      );
    expect(alerts(rule('{ field: CommandLine, gte: 3 }'), lines('su a', 'su b', 'su c'))).toBe(1);
    expect(alerts(rule('{ field: CommandLine, gte: 3 }'), lines('su a b c', 'su a b c d'))).toBe(0);
  });

  it('what an event has several of, or a part of a field, is no value of it', () => {
    const audited = `title: A call\nid: ${idOf('call')}\nname: call\nlogsource: { product: linux, service: auditd }\ndetection: { s: { type: EXECVE, a0: x }, condition: s }\n`;
    for (const field of ['a1', 'name', 'key']) {
      const words = `type: event_count\nrules: [call]\ngroup-by: [${field}]\ntimespan: 1h\ncondition: { gte: 3 }`;
      expect(importSigma(files(correlation(words), audited)).told.join()).toContain('has no single field here');
    }
  });
});

describe('value_sum, value_avg, value_percentile, value_median', () => {
  const rule = (type: string, condition: string): string =>
    files(
      correlation(`type: ${type}\nrules: [su]\ngroup-by: [User]\ntimespan: 10m\ncondition: ${condition}`),
      program('su'),
    );
  const sized = (...sizes: readonly number[]): readonly Given[] =>
    sizes.map((size, place) => run('su', -250 + place * 50, { 'process.args_count': size }));
  const field = 'field: process.args_count';

  it.each([
    ['value_sum', `{ ${field}, gt: 1000 }`, [500, 501], [500, 500]],
    ['value_sum', `{ ${field}, gte: 1000 }`, [500, 500], [500, 499]],
    ['value_avg', `{ ${field}, gte: 500 }`, [499, 501], [499, 500]],
    ['value_avg', `{ ${field}, gt: 10, lt: 20 }`, [5, 35, 5], [10, 10, 10]],
    ['value_avg', `{ ${field}, eq: 7 }`, [6, 8], [6, 9]],
    ['value_avg', `{ ${field}, neq: 7 }`, [8], [7, 7]],
    ['value_percentile', `{ ${field}, percentile: 90, gt: 99 }`, [1, 100, 1, 100], [1, 99, 99]],
    ['value_percentile', `{ ${field}, percentile: 97.5, gt: 99 }`, [1, 1, 100], [1, 1, 99]],
    ['value_median', `{ ${field}, gte: 50 }`, [50, 60, 50], [10, 49, 49]],
    ['value_max', `{ ${field}, gte: 50 }`, [1, 50], [1, 49]],
  ])('%s %s', (type, condition, found, near) => {
    expect(alerts(rule(type, condition), sized(...found))).toBe(1);
    expect(alerts(rule(type, condition), sized(...near))).toBe(0);
  });
});

describe('temporal and temporal_ordered', () => {
  const programs = ['whoami', 'id', 'w'];
  const rule = (type: string, more = ''): string =>
    files(
      correlation(`type: ${type}\nrules: [whoami, id, w]\ngroup-by: [ComputerName, User]\ntimespan: 5m\n${more}`),
      ...programs.map((name) => program(name)),
    );

  it('temporal: in any order, astride a boundary, by one user on one host', () => {
    expect(alerts(rule('temporal'), [run('w', -140), run('whoami', -1), run('id', 160)])).toBe(1);
    expect(alerts(rule('temporal'), [run('w', -140), run('whoami', -1), run('id', 161)])).toBe(0);
    expect(alerts(rule('temporal'), [run('w', -140), run('w', -1), run('id', 160)])).toBe(0);
    expect(alerts(rule('temporal'), [run('w', 0, { 'user.name': 'eve' }), run('whoami', 1), run('id', 2)])).toBe(0);
    expect(alerts(rule('temporal'), [run('w', 0, { 'host.id': 'h2' }), run('whoami', 1), run('id', 2)])).toBe(0);
  });

  it('temporal_ordered: in the order of its rules', () => {
    expect(alerts(rule('temporal_ordered'), [run('whoami', -140), run('id', -1), run('w', 160)])).toBe(1);
    expect(alerts(rule('temporal_ordered'), [run('w', -140), run('whoami', -1), run('id', 160)])).toBe(0);
    expect(alerts(rule('temporal_ordered'), [run('whoami', -140), run('id', -1), run('w', 161)])).toBe(0);
  });

  it('speaks of events: nothing of them is found by itself, and each counts', () => {
    const { documents } = importSigma(rule('temporal'));
    expect(documents.map(({ status }) => status)).toEqual(['runs', 'part', 'part', 'part']);
    const again = [run('w', 0), run('whoami', 1), run('id', 2)];
    const later = again.map((one) => ({ ...one, at: one.at + 1_000 }));
    expect(alerts(rule('temporal'), [...again, ...later])).toBe(2);
  });

  it('so many of the rules; all, said with `and`', () => {
    const two = [run('w', 0), run('id', 2)];
    expect(alerts(rule('temporal', 'condition: { gte: 2 }'), two)).toBe(1);
    expect(alerts(rule('temporal', 'condition: { gte: 3 }'), two)).toBe(0);
    expect(alerts(rule('temporal', 'condition: whoami and w AND id'), two)).toBe(0);
    expect(alerts(rule('temporal', 'condition: whoami and w AND id'), [...two, run('whoami', 9)])).toBe(1);
  });

  it('finds what its plain meaning finds', () => {
    const imported = importSigma(rule('temporal'));
    const event = fc.record({ step: fc.integer({ min: 0, max: 200 }), name: fc.constantFrom(...programs) });
    const check = fc.property(fc.array(event, { maxLength: 12 }), (list) => {
      let at = -600;
      const events = list.map(({ step, name }) => {
        at += step;
        return { at, name };
      });
      const isFound = events.some(
        (last) =>
          new Set(events.filter((one) => one.at <= last.at && last.at - one.at <= 300).map(({ name }) => name)).size ===
          3,
      );
      const found = alertsOf(
        imported,
        events.map((one) => run(one.name, one.at)),
      );
      expect(found.length > 0).toBe(isFound);
    });
    fc.assert(check, { numRuns: 150 });
  });
});

describe('aliases', () => {
  const text = files(
    correlation(`type: temporal
rules: [listener, client]
group-by: [address]
timespan: 10s
aliases:
  address: { listener: DestinationIp, client: source.ip }`),
    program('listener').replace('process_creation', 'network_connection'),
    program('client'),
  );
  const listener = (at: number, address: string): Given =>
    run('listener', at, { 'event.action': 'connected-to', 'destination.ip': address });
  const client = (at: number, address?: string): Given =>
    run('client', at, address === undefined ? {} : { 'source.ip': address });

  it('compare other fields in other rules; what is missing joins nothing', () => {
    expect(importSigma(text).told).toEqual([]);
    expect(alerts(text, [client(0, '10.0.0.1'), listener(5, '10.0.0.1')])).toBe(1);
    expect(alerts(text, [client(0, '10.0.0.1'), listener(5, '10.0.0.2')])).toBe(0);
    expect(alerts(text, [client(0), listener(5, '10.0.0.2')])).toBe(0);
  });

  it('hold of counts too: what is counted stands in different fields', () => {
    const counted = text
      .replace('type: temporal', 'type: event_count\n  condition: { gte: 3 }')
      .replace('timespan: 10s', 'timespan: 5m');
    expect(importSigma(counted).documents[0]?.rule?.cases?.map(({ by }) => by)).toEqual([
      ['destination.ip'],
      ['source.ip'],
    ]);
    const three = [client(-140, '10.0.0.1'), listener(5, '10.0.0.1'), client(150, '10.0.0.1')];
    expect(alerts(counted, three)).toBe(1);
    expect(alerts(counted, three.slice(1))).toBe(0);
    expect(alerts(counted, [...three.slice(1), listener(6, '10.0.0.2')])).toBe(0);
    expect(alerts(counted, [...three.slice(1), client(7)])).toBe(0);
  });

  it('are refused where they say nothing of a rule', () => {
    const lacking = text.replace('listener: DestinationIp, ', '');
    expect(importSigma(lacking).told.join()).toContain('the alias `address` has no field for `listener`');
  });
});

describe('chains', () => {
  const failures = correlation('type: event_count\nrules: [su]\ngroup-by: [User]\ntimespan: 10m\ncondition: { gte: 3 }')
    .replace(CORRELATION_ID, idOf('many'))
    .replace('title:', 'name: many\ntitle:');
  const chain = (words: string): string => files(correlation(words), failures, program('su'), program('ssh'));
  const ordered = 'type: temporal_ordered\nrules: [many, ssh]\ngroup-by: [User]\ntimespan: 10m';

  it('many failures, then one success', () => {
    expect(alerts(chain(ordered), [...spread(3, -250, -1), run('ssh', 200)])).toBe(1);
    expect(alerts(chain(ordered), [...spread(2, -250, -1), run('ssh', 200)])).toBe(0);
    expect(alerts(chain(ordered), [run('ssh', -300), ...spread(3, -250, -1)])).toBe(0);
    expect(alerts(chain(ordered), [...spread(3, -250, -1), run('ssh', 200, { 'user.name': 'eve' })])).toBe(0);
  });

  it('the rules in between are evaluated, and silent unless they are to be heard', () => {
    const events = [...spread(3, -250, -1), run('ssh', 200)];
    expect(alertsOf(importSigma(chain(ordered)), events)).toEqual([CORRELATION_ID]);
    const heard = alertsOf(importSigma(chain(`${ordered}\ngenerate: true`)), events);
    expect(heard.toSorted()).toEqual([idOf('many'), idOf('ssh'), CORRELATION_ID].toSorted());
  });

  it('a count of what a correlation found', () => {
    const twice = 'type: event_count\nrules: [many]\ngroup-by: [User]\ntimespan: 1d\ncondition: { gte: 2 }';
    const burst = (from: number): readonly Given[] => spread(3, from, from + 60);
    expect(alerts(chain(twice), [...burst(-40_000), ...burst(0)])).toBe(1);
    expect(alerts(chain(twice), burst(0))).toBe(0);
    const less = 'type: event_count\nrules: [many]\ngroup-by: [User]\ntimespan: 1d\ncondition: { lt: 2 }';
    expect(importSigma(chain(less)).told.join()).toContain('cannot count what correlations find');
  });

  it('a circle is refused, and so is all that needs it', () => {
    const circle = files(
      correlation('type: temporal\nrules: [many, ssh]\ntimespan: 1m'),
      failures.replace('rules: [su]', `rules: [${CORRELATION_ID}]`),
      program('ssh'),
    );
    const { documents, told } = importSigma(circle);
    expect(documents.map(({ status }) => status)).toEqual(['refused', 'refused', 'part']);
    expect(told.join()).toContain('needs this correlation itself');
  });
});

describe('rules in other files', () => {
  const text = correlation(
    `type: event_count\nrules: [${idOf('su').toUpperCase()}]\ngroup-by: [User]\ntimespan: 5m\ncondition: { gte: 3 }`,
  );

  it('are found by id or name; they are silent, which is told', () => {
    const both = { 'a/count.yml': text, 'b/su.yml': program('su') };
    expect(alerts(both, spread(3, 0, 9))).toBe(1);
    const { documents, told } = importSigma(both);
    expect(documents.map(({ status }) => status)).toEqual(['runs', 'part']);
    expect(told).toEqual([
      'b/su.yml:1:1 it alerts only within the correlation `A correlation` (a/count.yml) [sigma/silent]',
    ]);
  });

  it('are told where they are missing, or there twice', () => {
    expect(importSigma(text).told.join()).toContain('there is no rule `00000000-');
    const twice = { 'a.yml': text, 'b.yml': program('su'), 'c.yml': program('su') };
    expect(importSigma(twice).told.join()).toContain('there are 2 rules `00000000-');
  });

  it('of one name: the one of the same file', () => {
    const named = correlation('type: event_count\nrules: [su]\ngroup-by: [User]\ntimespan: 5m\ncondition: { gte: 3 }');
    const other = program('su').replace('/su }', '/sudo }').replace(idOf('su'), idOf('other'));
    expect(alerts({ 'a.yml': files(named, program('su')), 'b.yml': other }, spread(3, 0, 9))).toBe(1);
  });
});

describe('what travels along', () => {
  it('authors of all the rules, level, tags; the greatest level where there is none', () => {
    const words = 'type: temporal\nrules: [id, w]\ngroup-by: [User]\ntimespan: 5m';
    const more = 'author: Who correlated\nlicense: DRL-1.1\n';
    const { documents } = importSigma(
      files(correlation(words, more), program('id', 'level: high\n'), program('w', 'level: low\n')),
    );
    const rule = documents[0]?.rule;
    expect(rule).toMatchObject({ severity: 'high', author: 'Who correlated; Author of id; Author of w' });
    expect(rule?.alert.title).toBe('A correlation: {{user.name}}');
    expect(documents[0]?.text).toContain('license: DRL-1.1');
  });
});

describe('what cannot be said, with its place', () => {
  const base = 'type: event_count\nrules: [su]\ngroup-by: [User]\ntimespan: 5m\ncondition: { gte: 3 }';
  it.each([
    ['an unknown type', base.replace('event_count', 'event_sum'), '4:9 `event_sum` is no type of correlation'],
    ['an unknown key', `${base}\nwindow: tumbling`, '9:3 a correlation has no `window`'],
    ['months', base.replace('5m', '5M'), '7:13 `5M` is no timespan'],
    ['a bound that is no number', base.replace('gte: 3', 'gte: many'), '8:21 this must be a number'],
    ['an unknown bound', base.replace('gte: 3', 'least: 3'), '8:16 `least` is no condition of a correlation'],
    ['no bound', base.replace('{ gte: 3 }', '{}'), '8:14 the condition has no bound'],
    ['no condition', base.replace(/\ncondition.*/, ''), '4:3 the correlation needs `condition`'],
    ['neq', base.replace('gte', 'neq'), '8:14 `neq` of a count has no counterpart here'],
    ['every count', base.replace('gte: 3', 'gte: 0'), '8:14 every count is in this range'],
    ['no count', base.replace('gte: 3', 'gte: 3, lt: 2'), '8:14 no count is in this range'],
    [
      'a field that is nowhere',
      base.replace('User', 'NoSuchField'),
      '6:14 `NoSuchField` of `su` has no single field here',
    ],
    ['values of no field', base.replace('event_count', 'value_count'), '4:3 `value_count` needs a `field`'],
    [
      'several fields',
      base.replace('event_count', 'value_count').replace('gte', 'field: [a, b], gte'),
      'this must be one field',
    ],
    [
      'no percentile',
      base.replace('event_count', 'value_percentile').replace('gte', 'field: process.pid, gte'),
      'which percentile is not said',
    ],
    ['one rule', base.replace('event_count', 'temporal').replace(/\ncondition.*/, ''), 'it names 1 rules'],
    [
      'an order of some',
      'type: temporal_ordered\nrules: [su, su2]\ntimespan: 5m\ncondition: { gte: 1 }',
      'some of several rules have no order',
    ],
    [
      'not',
      'type: temporal\nrules: [su, su2]\ntimespan: 5m\ncondition: su and not su2',
      'a condition of this form has no counterpart here',
    ],
    ['a rule twice', 'type: temporal\nrules: [su, su]\ntimespan: 5m', 'a rule stands twice in `rules`'],
    ['an alias that is not used', `${base}\naliases: { x: { su: User } }`, 'the alias `x` is not used'],
  ])('%s', (_name, words, message) => {
    const text = files(correlation(words), program('su'), program('su2'));
    const { documents, told } = importSigma(text);
    expect(documents[0]?.status).toBe('refused');
    expect(told.join('\n')).toContain(message);
    for (const one of documents[0]?.diagnostics ?? []) expect(one.remedy).toMatch(/\.$/);
  });

  it('a correlation of a rule that cannot be said', () => {
    const text = files(correlation(base), program('su').replace('linux', 'windows'));
    expect(importSigma(text).told.join('\n')).toContain('`su` is no rule that can be said here');
  });
});
