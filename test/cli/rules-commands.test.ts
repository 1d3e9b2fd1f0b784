// The commands about rules, as people and CI use them: schema, list, test, explain.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { childEnvironment, MAIN, makeFolder, runHere, type Said, type TestFolder } from './terminal.ts';

const RULE = `id: netcat
name: Netcat
severity: low
match: event.action = "executed" and process.name in ["nc", "ncat"]
by: [host.id]
tests:
  - { name: somebody runs nc, events: [{ event.action: executed, process.name: nc }], alerts: 1 }
  - { name: somebody reads, events: [{ event.action: executed, process.name: man }], alerts: 0 }
`;

let folder: TestFolder;

beforeEach(() => {
  folder = makeFolder();
  mkdirSync(join(folder.path, 'rules'));
  writeFileSync(join(folder.path, 'rules', 'netcat.yaml'), RULE);
});
afterEach(() => folder.remove());

function run(...words: readonly string[]): Promise<Said> {
  return runHere(words, { cwd: folder.path });
}

function write(name: string, text: string): void {
  writeFileSync(join(folder.path, name), text);
}

describe('rules schema', () => {
  it('prints the schema of rules, and of lists', async () => {
    expect(JSON.parse((await run('rules', 'schema')).stdout)).toMatchObject({ title: 'A rule of Vedette' });
    expect(JSON.parse((await run('rules', 'schema', '--lists', '--json')).stdout)).toMatchObject({
      title: 'A list of Vedette',
    });
  });
});

describe('rules lint of one file', () => {
  it('knows the lists and macros beside it', async () => {
    for (const name of ['lists', 'macros']) mkdirSync(join(folder.path, 'rules', name));
    write('rules/lists/cats.yaml', 'name: cats\nowner: us\nreason: they are\nvalues: [nc, ncat]\n');
    write('rules/macros/cat.yaml', 'name: is_cat\nowner: us\nreason: it is\nexpression: process.name in $cats\n');
    write('rules/netcat.yaml', RULE.replace('process.name in ["nc", "ncat"]', '$is_cat'));
    expect((await run('rules', 'lint', 'rules/netcat.yaml')).stderr).toBe('1 rule: 0 errors, 0 warnings\n');
  });
});

describe('rules list', () => {
  it('says each rule in a line, with its sentence where asked', async () => {
    const { stdout, stderr, code } = await run('rules', 'list', 'rules');
    expect(code).toBe(0);
    expect(stdout.split('\n')[1]).toMatch(/^netcat +single +low +stable +Netcat$/);
    expect(stderr).toBe('1 rule\n');
    const sentence = 'Alerts on an event where event.action is "executed" and process.name is "nc" or "ncat".';
    expect((await run('rules', 'list', 'rules', '--sentences')).stdout).toContain(sentence);
    expect(JSON.parse((await run('rules', 'list', 'rules', '--json')).stdout)).toMatchObject({
      rules: [{ id: 'netcat', kind: 'single', sentence }],
    });
  });

  it('leaves out what is broken, and says so', async () => {
    write('rules/broken.yaml', 'id: broken\n');
    const { stdout, stderr } = await run('rules', 'list', 'rules');
    expect(stdout).not.toContain('broken');
    expect(stderr).toMatch(/^1 rule; \d+ errors? in files/);
  });
});

describe('rules test', () => {
  it('says what passed', async () => {
    const { stdout, stderr, code } = await run('rules', 'test', 'rules');
    expect([code, stdout, stderr]).toEqual([0, 'netcat: ok, 2 tests\n', '1 rule: 2 passed, 0 failed\n']);
  });

  it('says of a failure what each event was to the rule', async () => {
    write('rules/netcat.yaml', RULE.replace('process.name: nc }', 'process.name: Ncat }'));
    const { stdout, code } = await run('rules', 'test', 'rules');
    expect(code).toBe(1);
    expect(stdout).toContain('/rules/netcat.yaml:7: somebody runs nc: expected 1 alert, got 0\n');
    expect(stdout).toContain('only the case differs from "ncat"');
  });

  it('names the clauses that no test has seen true, or false', async () => {
    const { stdout, stderr } = await run('rules', 'test', 'rules', '--coverage');
    expect(stdout).toBe('netcat: ok, 2 tests\n  never false in any test: event.action = "executed" (match)\n');
    expect(stderr).toContain('1 of 2 clauses seen true and false');
    const { rules } = JSON.parse((await run('rules', 'test', 'rules', '--coverage', '--json')).stdout);
    expect(rules[0].clauses).toEqual([
      { role: 'match', text: 'event.action = "executed"', isSeenTrue: true, isSeenFalse: false },
      { role: 'match', text: 'process.name in ["nc", "ncat"]', isSeenTrue: true, isSeenFalse: true },
    ]);
  });

  it('writes JUnit, whatever stands in names, broken files too', async () => {
    write(
      'rules/netcat.yaml',
      RULE.replace('somebody runs nc,', '"<a> & \\"b\\" \\u0007 \\uD800",').replace('alerts: 1', 'alerts: 2'),
    );
    write('rules/broken.yaml', 'id: broken\nname: "]]>"\n');
    expect((await run('rules', 'test', 'rules', '--junit', 'out.xml')).code).toBe(1);
    const xml = readFileSync(join(folder.path, 'out.xml'), 'utf8');
    expect(xml).toContain('tests="4" failures="1" errors="2"');
    expect(xml).toMatch(/name="&lt;a&gt; &amp; &quot;b&quot; \ufffd \ufffd" file="[^"]*rules\/netcat.yaml" line="7"/);
    expect(xml).toContain('<failure message="expected 2 alerts, got 1">event 1: It matches.');
    expect(xml).toContain('<error message="a rule needs `severity`"');
    expect(xml).not.toMatch(/[\u0000-\u0008\ud800]/);
  });

  it('says where JUnit cannot be written, and what --watch does not go with', async () => {
    expect((await run('rules', 'test', 'rules', '--junit', 'nowhere/out.xml')).stderr).toContain('rules/junit');
    expect((await run('rules', 'test', 'rules', '--watch', '--json')).code).toBe(2);
  });

  it('takes time as it passes in a test: a sequence, and what does not come', async () => {
    write(
      'rules/quiet.yaml',
      `id: quiet
name: Quiet
severity: low
match: event.action = "reported"
by: [host.id]
absence: { fewer_than: 1, within: 10m }
tests:
  - { name: goes quiet, events: [{ event.action: reported, host.id: h1 }], progress: 11m, alerts: 1 }
  - { name: not yet, events: [{ event.action: reported, host.id: h1 }], progress: 9m, alerts: 0 }
`,
    );
    const { stdout } = await run('rules', 'test', 'rules/quiet.yaml');
    expect(stdout).toBe('quiet: ok, 2 tests\n');
  });

  it('says of a window how near it came', async () => {
    write(
      'rules/burst.yaml',
      `id: burst
name: Burst
severity: low
match: event.action = "failed"
by: [host.id]
threshold: { count: 3, within: 1m }
tests:
  - name: too slow
    events:
      - { at: 0s, event.action: failed, host.id: h1 }
      - { at: 30s, event.action: failed, host.id: h1 }
      - { at: 90s, event.action: failed, host.id: h1 }
    alerts: 1
`,
    );
    const { stdout } = await run('rules', 'test', 'rules/burst.yaml');
    expect(stdout).toContain('key ["h1"], 3 events: nothing found; 2 of 3 within 1m at the most');
  });

  it('runs the rules that `together` names with it', async () => {
    const part = (id: string): string =>
      `id: ${id}\nname: ${id}\nseverity: low\nmatch: event.action = "${id}"\nby: [host.id]\n---\n`;
    write(
      'rules/both.yaml',
      `${part('one')}${part('two')}id: both
name: Both
severity: high
by: [host.id]
together: { rules: [one, two], within: 5m }
tests:
  - { name: both, events: [{ event.action: one, host.id: h1 }, { event.action: two, host.id: h1 }], alerts: 1 }
  - { name: one only, events: [{ event.action: one, host.id: h1 }], alerts: 0 }
`,
    );
    const { stdout } = await run('rules', 'test', 'rules/both.yaml');
    expect(stdout).toContain('both: ok, 2 tests');
  });
});

describe('a rule on others, in a file of its own', () => {
  it('is read with those that stand around it', async () => {
    write('rules/one.yaml', RULE.replace('id: netcat', 'id: one'));
    write(
      'rules/both.yaml',
      'id: both\nname: B\nseverity: low\nby: [host.id]\ntogether: { rules: [netcat, one], within: 5m }\ntests:\n  - { name: nc is both, events: [{ event.action: executed, process.name: nc, host.id: h1 }], alerts: 1 }\n',
    );
    const { stdout, code } = await run('rules', 'test', 'rules/both.yaml');
    expect([code, stdout]).toEqual([0, 'both: ok, 1 test\n']);
    write('rules/both.yaml', 'id: both\nname: B\nseverity: low\ntogether: { rules: [netcat, two], within: 5m }\n');
    expect((await run('rules', 'lint', 'rules/both.yaml')).stdout).toContain(
      'names the rule `two`, which is not loaded',
    );
  });
});

describe('rules test --watch', () => {
  it('runs again when a rule changes, and ends with Ctrl-C', async () => {
    const child = spawn(process.execPath, [MAIN, 'rules', 'test', 'rules', '--watch'], {
      cwd: folder.path,
      env: childEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    let check = (): void => undefined;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said += String(chunk);
        check();
      });
    }
    const heard = (text: string): Promise<void> =>
      new Promise((resolve) => {
        check = () => {
          if (said.includes(text)) resolve();
        };
        check();
      });
    try {
      await heard('2 passed, 0 failed');
      write('rules/netcat.yaml', RULE.replace('alerts: 0', 'alerts: 3'));
      await heard('1 passed, 1 failed');
      expect(said).toContain('somebody reads: expected 3 alerts, got 0');
      const ended = new Promise((resolve) => child.on('exit', (code) => resolve(code)));
      child.kill('SIGINT');
      expect(await ended).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('explain, of a file', () => {
  it('tells the clause that decided', async () => {
    write(
      'event.json',
      JSON.stringify({ 'event.action': 'executed', process: { name: 'cat\u001b[2J' }, host: { id: 'h1' } }),
    );
    const { stdout, code } = await run('explain', 'rules/netcat.yaml', '--event', 'event.json');
    expect(code).toBe(0);
    expect(stdout).toContain('It does not match: `process.name in ["nc", "ncat"]` is not true: process.name is "cat');
    expect(stdout, 'nothing reaches the terminal').not.toContain('\u001b');
    const told = JSON.parse((await run('explain', 'rules/netcat.yaml', '--event', 'event.json', '--json')).stdout);
    expect(told.events[0]).toMatchObject({
      verdict: 'no-match',
      expressions: [{ role: 'match', clause: { answer: 'false' } }],
    });
  });

  it('takes many events, one a line, and tells of the window that they make', async () => {
    write(
      'rules/burst.yaml',
      'id: burst\nname: Burst\nseverity: low\nmatch: event.action = "failed"\nby: [host.id]\nthreshold: { count: 3, within: 1m }\n',
    );
    const line = (second: number): string =>
      JSON.stringify({
        _id: `e${second}`,
        event: { action: 'failed', created: `2026-05-01T10:00:0${second}Z` },
        host: { id: 'h1' },
      });
    write('events.ndjson', `${line(0)}\n${line(5)}\n`);
    const { stdout } = await run('explain', 'rules/burst.yaml', '--event', 'events.ndjson');
    expect(stdout).toContain('event e5: It matches.');
    expect(stdout).toContain('key ["h1"]: 2 events');
    expect(stdout).toContain('2 of 3 within 1m at the most');
  });

  it.each([
    [['explain', 'nowhere', '--event', 'x.json'], 2, 'neither a file nor a rule'],
    [['explain', 'rules/netcat.yaml'], 2, 'is about single events'],
    [['explain', 'rules/broken.yaml', '--event', 'empty.json'], 1, 'cannot be read'],
    [['explain', 'rules/netcat.yaml', '--event', 'empty.json'], 2, 'holds no events'],
  ] as const)('%j is told', async (words, code, message) => {
    write('rules/broken.yaml', 'id: broken\n');
    write('empty.json', '[]');
    const said = await run(...words);
    expect(said.code).toBe(code);
    expect(said.stderr).toContain(message);
  });
});
