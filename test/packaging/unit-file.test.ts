// What the package promises of the service: read from the unit and the configuration as they are installed, and put to systemd's own
// tools where they are there.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle } from '../../packaging/bundle.ts';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const debian = join(checkout, 'packaging/debian');
const unitText = readFileSync(join(debian, 'vedette-collector.service'), 'utf8');
const ANALYZE = '/usr/bin/systemd-analyze';
const hasAnalyze = existsSync(ANALYZE);

/** All values of a key of the unit, in order. */
const values = (key: string): readonly string[] =>
  [...unitText.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-unit-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the unit', () => {
  it('gives the audit capabilities and no other, and no way to more', () => {
    expect(values('AmbientCapabilities')).toEqual(['CAP_AUDIT_CONTROL CAP_AUDIT_READ']);
    expect(values('CapabilityBoundingSet')).toEqual(['CAP_AUDIT_CONTROL CAP_AUDIT_READ']);
    expect(values('NoNewPrivileges')).toEqual(['yes']);
    expect(values('User')).toEqual(['vedette']);
  });

  it('lets it write to its own folder alone', () => {
    expect(values('ProtectSystem')).toEqual(['strict']);
    expect(values('StateDirectory')).toEqual(['vedette']);
    expect(values('ReadWritePaths')).toEqual([]);
  });

  it('bounds CPU, memory and tasks, and starts it again whatever ends it', () => {
    expect(values('CPUQuota')).toEqual(['50%']);
    expect(values('MemoryMax')).toEqual(['256M']);
    expect(values('TasksMax')).toEqual(['32']);
    expect(values('Restart')).toEqual(['always']);
    expect(values('StartLimitIntervalSec')).toEqual(['0']);
  });

  it('leaves the collector’s own limits below its own, so that it gives up in its order before it is throttled', () => {
    const said = execFileSync(
      process.execPath,
      [join(checkout, 'bin/vedette.mjs'), 'config', 'show', '--json', '--config', join(debian, 'vedette.yaml')],
      { encoding: 'utf8' },
    );
    const { dataFolder, collector } = JSON.parse(said) as {
      dataFolder: string;
      collector: { limits: { cpuPercent: number; memoryBytes: number } };
    };
    expect(dataFolder).toBe('/var/lib/vedette');
    expect(collector.limits.cpuPercent).toBeLessThan(Number.parseInt(values('CPUQuota')[0] ?? '', 10));
    expect(collector.limits.memoryBytes).toBeLessThan(Number.parseInt(values('MemoryHigh')[0] ?? '', 10) * 1024 ** 2);
  });

  it.skipIf(!hasAnalyze)(`is what systemd understands${hasAnalyze ? '' : ' (needs systemd-analyze)'}`, () => {
    // The program is not installed here: another stands for it.
    const path = join(folder, 'vedette-collector.service');
    writeFileSync(path, unitText.replace('/usr/sbin/vedette-collector', '/bin/true'));
    const verified = spawnSync(ANALYZE, ['verify', '--man=no', path], { encoding: 'utf8' });
    expect(verified.stderr).toBe('');
    expect(verified.status).toBe(0);
    writeFileSync(path, unitText.replace('/usr/sbin/vedette-collector', '/bin/true').replace('CPUQuota', 'CPUQuotum'));
    expect(spawnSync(ANALYZE, ['verify', '--man=no', path], { encoding: 'utf8' }).stderr).toContain('CPUQuotum');
  });

  it.skipIf(!hasAnalyze)(`is exposed by 2 of 10 at the most${hasAnalyze ? '' : ' (needs systemd-analyze)'}`, () => {
    const path = join(folder, 'exposed.service');
    const exposed = (text: string): number => {
      writeFileSync(path, text);
      // --threshold takes tenths: 20 is 2.0.
      return (
        spawnSync(ANALYZE, ['security', '--offline=yes', '--threshold=20', path], { encoding: 'utf8' }).status ?? -1
      );
    };
    expect(exposed(unitText)).toBe(0);
    expect(exposed(unitText.replaceAll(/^(Protect|Private|Restrict|Capability|SystemCall|User).*\n/gm, ''))).not.toBe(
      0,
    );
  });
});

describe('the program of the package', () => {
  const parts = ['cli/collector/main.ts', 'collector/reader-worker.ts'] as const;
  it.each(parts)('%s holds the collector, and nothing of the server', async (entry) => {
    const { modules, code } = await bundle({
      checkout,
      entry: join(checkout, entry),
      aliases: { koffi: join(checkout, 'packaging/koffi-asset.ts') },
    });
    const inside = modules.map((path) => path.replace(checkout, ''));
    const rooms = new Set(inside.filter((path) => !path.includes('node_modules')).map((path) => path.split('/')[0]));
    const packages = new Set(inside.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
    for (const room of ['store', 'engine', 'backtest', 'alerts', 'console']) expect(rooms).not.toContain(room);
    expect([...packages].filter((name) => name !== 'yaml')).toEqual([]);
    expect(inside).toContain('packaging/koffi-asset.ts');
    expect(inside.filter((path) => path.startsWith('server/') && path !== 'server/options.ts')).toEqual([]);
    expect(code.length).toBeLessThan(1024 ** 2);
  });

  it('is not built where something would have to be found on the host', async () => {
    const entry = join(folder, 'entry.ts');
    writeFileSync(entry, "import x from 'a-package-that-is-not-there';\nconsole.log(x);\n");
    await expect(bundle({ checkout, entry, aliases: {} })).rejects.toThrow('a-package-that-is-not-there');
  });
});
