// Changes of rule files are told once each, whatever way they are made, and nothing else is.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RuleWatch, watchRules } from '../../server/rule-watch.ts';

let folder = '';
let watching: RuleWatch | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-watch-'));
  writeFileSync(join(folder, 'a.yaml'), 'id: a\n');
});
afterEach(() => {
  watching?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The next change after what `act` does. Short pauses: what is waited for is the call, not the time. */
function changed(act: () => void, pollMs = 60_000): Promise<void> {
  return new Promise((resolve) => {
    watching?.close();
    watching = watchRules({ paths: [folder], onChange: resolve, settleMs: 20, pollMs });
    act();
  });
}

describe('rule files', () => {
  it.each<readonly [string, () => void]>([
    ['written', () => writeFileSync(join(folder, 'a.yaml'), 'id: other\n')],
    ['added', () => writeFileSync(join(folder, 'b.yml'), 'id: b\n')],
    ['removed', () => unlinkSync(join(folder, 'a.yaml'))],
    [
      'replaced, as editors do',
      () => {
        writeFileSync(join(folder, 'a.yaml~'), 'id: new\n');
        renameSync(join(folder, 'a.yaml~'), join(folder, 'a.yaml'));
      },
    ],
    [
      'put into a new folder',
      () => {
        mkdirSync(join(folder, 'team'));
        writeFileSync(join(folder, 'team', 'c.yaml'), 'id: c\n');
      },
    ],
  ])('that are %s', async (_how, act) => {
    await changed(act);
  });

  it('in a folder that was new are seen to change, too', async () => {
    let told: () => void = () => undefined;
    watching = watchRules({ paths: [folder], onChange: () => told(), settleMs: 20, pollMs: 60_000 });
    const next = (act: () => void): Promise<void> =>
      new Promise((resolve) => {
        told = resolve;
        act();
      });
    await next(() => {
      mkdirSync(join(folder, 'team'));
      writeFileSync(join(folder, 'team', 'c.yaml'), 'id: c\n');
    });
    await next(() => writeFileSync(join(folder, 'team', 'c.yaml'), 'id: changed\n'));
  });

  it('behind a link that is set anew, as mounts of configuration are, are seen by looking', async () => {
    mkdirSync(join(folder, '.one'));
    mkdirSync(join(folder, '.two'));
    writeFileSync(join(folder, '.one', 'r.yaml'), 'id: r\n');
    writeFileSync(join(folder, '.two', 'r.yaml'), 'id: r, newer\n');
    symlinkSync(join(folder, '.one', 'r.yaml'), join(folder, 'r.yaml'));
    await changed(() => {
      symlinkSync(join(folder, '.two', 'r.yaml'), join(folder, 'r.new'));
      renameSync(join(folder, 'r.new'), join(folder, 'r.yaml'));
    }, 50);
  });

  it('are told of once, and what is no rule is not', async () => {
    let count = 0;
    await new Promise<void>((resolve) => {
      watching = watchRules({
        paths: [folder],
        onChange: () => {
          count += 1;
          resolve();
        },
        settleMs: 50,
        pollMs: 60_000,
      });
      writeFileSync(join(folder, 'notes.txt'), 'x');
      for (let at = 0; at < 20; at += 1) writeFileSync(join(folder, 'a.yaml'), `id: a${at}\n`);
    });
    expect(count).toBe(1);
  });

  it('that are not there yet are waited for', async () => {
    const later = join(folder, 'later');
    await new Promise<void>((resolve) => {
      watching = watchRules({ paths: [later], onChange: resolve, settleMs: 20, pollMs: 50 });
      mkdirSync(later);
    });
  });
});
