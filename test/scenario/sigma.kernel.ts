// SigmaHQ's Linux rules on the real kernel: for each rule about programs that are started, a program of the name that it asks for is
// run with the arguments that it asks for (it is /bin/true, so nothing happens), and the rule alerts on what the kernel says of it. Before
// that one runs that differs in its name, and one that differs in an argument: of what the rule then no longer means it says nothing.
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { EventDocument } from '../../event/document.ts';
import { fieldOf } from '../../event/document.ts';
import type { AlertsResponse } from '../../server/api.ts';
import {
  eventually,
  type Installation,
  makeInstallation,
  type RunningProcess,
  TEST_UID,
} from '../harness/installation.ts';
import { freePort } from '../harness/receivers.ts';
import { documentOf } from '../rules/sigma/own-events.ts';
import { holdsOf, type PlainRule } from '../rules/sigma/plain-sigma.ts';
import { SIGMA_FILES as files, SIGMA_FOLDER } from '../rules/sigma/sigma-folder.ts';

const ATTEMPTS = 200;

interface Run {
  readonly id: string;
  readonly file: string;
  readonly program: string;
  readonly args: readonly string[];
}

describe.skipIf(files.length === 0)('Sigma rules about programs (skipped where they are not at hand)', () => {
  const work = mkdtempSync(join(tmpdir(), 'vedette-sigma-'));
  const shared = mkdtempSync('/dev/shm/vedette-sigma-');
  let installation: Installation;
  let server: RunningProcess;
  let collector: RunningProcess;

  beforeAll(async () => {
    for (const folder of [work, shared]) chmodSync(folder, 0o755);
    const rules = Object.fromEntries(
      files.map((name) => [basename(name), readFileSync(join(SIGMA_FOLDER, name), 'utf8')]),
    );
    installation = makeInstallation({ port: await freePort(), rules, shippedRules: false });
    server = await installation.start('server');
    collector = await installation.start('collector');
  });

  afterAll(async () => {
    await collector?.stop();
    await server?.stop();
    installation?.remove();
    for (const folder of [work, shared]) rmSync(folder, { recursive: true, force: true });
  });

  it('alert when such a program runs, and not when one runs that differs in what they ask for', async () => {
    const asked = files.filter((name) => /^(?:process_creation\/|auditd\/execve\/|builtin\/[^/]*$)/.test(name));
    const runs = asked.flatMap((name) => runOf(name, [work, shared]) ?? []);
    // What asks for a parent, or for paths that are not ours to write to, is not run.
    expect(runs.length).toBeGreaterThan(asked.length * 0.85);
    const misses = runs.flatMap((one) => missesOf(one, [work, shared]));
    // Of each rule some value is needed.
    const missed = new Set(misses.map(({ id }) => id));
    expect(runs.filter(({ id }) => !missed.has(id)).map((one) => JSON.stringify(one))).toEqual([]);
    const harmless = join(work, 'other', 'harmless');
    // What is not to alert comes first, so that it has been judged when the others have.
    for (const { program, args } of [{ program: harmless, args: ['harmless', '--nothing'] }, ...misses, ...runs])
      run(program, args);
    const alerts = await eventually('an alert of each rule', async () => {
      const { alerts: all } = await installation.api<AlertsResponse>('/alerts?limit=10000');
      const found = new Set(all.map(({ ruleId }) => ruleId));
      return runs.every(({ id }) => found.has(id)) ? all : undefined;
    });
    for (const { id, file, program } of runs) {
      const own = alerts.filter(({ ruleId }) => ruleId === id);
      const told = own.some(({ fields }) =>
        fields.some(({ name, value }) => name === 'process.executable' && value === program),
      );
      expect(told, file).toBe(true);
      const { author } = parse(readFileSync(join(SIGMA_FOLDER, file), 'utf8')) as { author: string };
      expect(own[0]?.author?.replaceAll(' ', ''), file).toBe(author.replaceAll(' ', ''));
    }
    for (const { id, file, program } of misses) {
      const told = alerts.some(
        ({ ruleId, fields }) =>
          ruleId === id && fields.some(({ name, value }) => name === 'process.executable' && value === program),
      );
      expect(told, `${file} ${program}`).toBe(false);
    }
    const ofHarmless = alerts.filter(({ fields }) => fields.some(({ value }) => value === harmless));
    const expected = files.flatMap((name) => {
      const rule = parse(readFileSync(join(SIGMA_FOLDER, name), 'utf8')) as PlainRule & { id: string };
      return rule.logsource['category'] === 'process_creation' &&
        holdsOf(rule, executed(harmless, ['harmless', '--nothing']))
        ? [rule.id]
        : [];
    });
    expect([...new Set(ofHarmless.map(({ ruleId }) => ruleId))].toSorted()).toEqual(expected.toSorted());
  });
});

/** A program below one of our folders, and arguments, of which the rule holds; undefined where there are none. */
function runOf(name: string, folders: readonly string[]): Run | undefined {
  const rule = parse(readFileSync(join(SIGMA_FOLDER, name), 'utf8')) as PlainRule & { readonly id: string };
  let seed = 1;
  const pick = <T>(of: readonly T[]): T => {
    seed = (seed * 48_271) % 2_147_483_647;
    return of[seed % of.length] as T;
  };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const document = documentOf(rule, pick);
    // What is looked for in any record stands in arguments too.
    const words = String(fieldOf(document, 'message') ?? '').split(' ');
    const args = (fieldOf(document, 'process.args') ?? ['program', ...words]) as readonly string[];
    const executable = String(fieldOf(document, 'process.executable') ?? '/program');
    if (args.some((arg) => arg.includes('\0')) || /\s/.test(executable)) continue;
    for (const folder of folders) {
      const program = join(folder, rule.id, executable.endsWith('/') ? `${executable}program` : executable);
      if (holdsOf(rule, executed(program, args))) return { id: rule.id, file: name, program, args };
    }
  }
  return undefined;
}

/** The same with its name or one of its arguments changed, or all of it and where it stands, where the rule then no longer holds. */
function missesOf({ id, file, program, args }: Run, folders: readonly string[]): readonly Run[] {
  const rule = parse(readFileSync(join(SIGMA_FOLDER, file), 'utf8')) as PlainRule;
  const changed = [
    { program: join(dirname(program), 'miss-name', 'qqq'), args },
    ...folders.map((folder) => ({ program: join(folder, id, 'miss-all', 'qqq'), args: args.map(() => 'qqq') })),
    ...args.map((_, at) => ({
      program: join(dirname(program), `miss-${at}`, basename(program)),
      args: args.map((arg, index) => (index === at ? 'qqq' : arg)),
    })),
  ];
  return changed.filter((one) => !holdsOf(rule, executed(one.program, one.args))).map((one) => ({ id, file, ...one }));
}

function executed(executable: string, args: readonly string[]): EventDocument {
  return { event: { module: 'auditd', action: 'executed', outcome: 'success' }, process: { executable, args } };
}

function run(program: string, [argv0 = '', ...args]: readonly string[]): void {
  mkdirSync(dirname(program), { recursive: true });
  copyFileSync('/bin/true', program);
  chmodSync(program, 0o755);
  const { error } = spawnSync(program, args, { argv0, uid: TEST_UID, gid: TEST_UID, stdio: 'ignore' });
  if (error !== undefined) throw error;
}
