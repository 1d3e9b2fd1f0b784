// The Debian package, on a host as it is delivered to: built, installed into a clean root without Node, run as the unit runs it
// (the service's user, no capability but CAP_AUDIT_*), shipping from the real kernel to a real server outside, upgraded, removed,
// purged. Needs root, mmdebstrap, auditctl, an audit socket that nobody owns.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SearchApiResponse } from '../../server/api.ts';
import {
  eventually,
  kernelAuditState,
  makeInstallation,
  type RunningProcess,
  TEST_UID,
} from '../harness/installation.ts';
import { freePort } from '../harness/receivers.ts';
import { type CleanRoot, makeCleanRoot, whyNoCleanRoot } from './clean-root.ts';

const MIB = 1024 ** 2;
const CAP_AUDIT_CONTROL = 1n << 30n;
const CAP_AUDIT_READ = 1n << 37n;
const checkout = fileURLToPath(new URL('../../', import.meta.url));
const missing = whyNoCleanRoot();
const hasLintian = existsSync('/usr/bin/lintian');

let folder: string;
let deb: string;
let executable: string;
let root: CleanRoot;

describe.skipIf(missing !== undefined)(`the Debian package${missing === undefined ? '' : ` (${missing})`}`, () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-package-'));
    execFileSync(process.execPath, [join(checkout, 'packaging/main.ts'), 'deb', folder], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    deb = join(folder, readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '');
    executable = join(folder, 'vedette-collector');
    root = makeCleanRoot();
    copyFileSync(deb, join(root.path, 'tmp/vedette.deb'));
  });
  afterAll(() => {
    root?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is one file of the program, with nothing of the server in it and no path of the machine that built it', () => {
    const bytes = readFileSync(executable, 'latin1');
    for (const stranger of ['duckdb', '@elastic', 'nodemailer', 'slack-web-api', checkout, folder]) {
      expect(bytes.includes(stranger), stranger).toBe(false);
    }
    // That the search can find what is there: koffi's and the reading thread's own texts.
    expect(bytes.includes('reader-worker.js')).toBe(true);
    expect(statSync(executable).size).toBeLessThan(130 * MIB);
    expect(statSync(deb).size).toBeLessThan(50 * MIB);
  });

  it.skipIf(!hasLintian)(`is one that lintian has nothing to say of${hasLintian ? '' : ' (needs lintian)'}`, () => {
    const said = spawnSync('lintian', [deb], { encoding: 'utf8' });
    expect(said.stdout).toBe('');
    expect(said.status).toBe(0);
  });

  it('installs without Node on a host of essential packages, and its own folder belongs to its user alone', () => {
    expect(root.run('sh', '-c', 'command -v node || echo none').trim()).toBe('none');
    root.run('dpkg', '--install', '/tmp/vedette.deb');
    expect(root.run('dpkg', '--status', 'vedette-collector')).toContain('Status: install ok installed');
    expect(root.run('dpkg', '--verify', 'vedette-collector')).toBe('');
    expect(root.run('stat', '-c', '%U:%G %a', '/var/lib/vedette').trim()).toBe('vedette:vedette 700');
    expect(root.run('stat', '-c', '%U:%G %a', '/usr/sbin/vedette-collector').trim()).toBe('root:root 755');
    expect(root.run('vedette-collector', '--version')).toMatch(/^vedette-collector \d+\.\d+\.\d+\n$/);
  });

  it('says by `check` what the service could see, and changes nothing', async () => {
    const before = await kernelAuditState();
    const [program = '', ...rest] = root.asService({}, '/usr/sbin/vedette-collector', 'check', '--json');
    const checked = spawnSync(program, rest, { encoding: 'utf8' });
    const { can_run, findings } = JSON.parse(checked.stdout) as { can_run: boolean; findings: { code: string }[] };
    expect(checked.status, checked.stderr).toBe(0);
    expect(can_run).toBe(true);
    expect(findings.map(({ code }) => code)).toContain('audit');
    expect(await kernelAuditState()).toBe(before);
  });

  it('watches the kernel as an unprivileged user, ships to a server outside, and leaves the kernel as it was', async () => {
    const before = await kernelAuditState();
    const installation = makeInstallation({ port: await freePort() });
    const started: RunningProcess[] = [];
    try {
      started.push(await installation.start('server'));
      giveSecret(join(installation.dataFolder, 'server/enrollment.secret'));
      appendFileSync(
        join(root.path, 'etc/vedette/vedette.yaml'),
        `  server: ${installation.url}\n  source: kernel\n  rules_scope: uid=${TEST_UID}\n`,
      );
      const beganMs = Date.now();
      const collector = await installation.start('collector', {
        wrapper: root.asService(
          {},
          'sh',
          '-c',
          'exec /usr/sbin/vedette-collector --config /etc/vedette/vedette.yaml --json',
        ),
      });
      started.push(collector);
      const status = readFileSync(`/proc/${collector.pid}/status`, 'utf8');
      const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
      expect(field('Uid').split('\t')[0]).not.toBe('0');
      for (const set of ['CapEff', 'CapPrm', 'CapBnd']) {
        expect(BigInt(`0x${field(set)}`), set).toBe(CAP_AUDIT_CONTROL | CAP_AUDIT_READ);
      }
      expect(field('NoNewPrivs')).toBe('1');
      expect(readFileSync(`/proc/${collector.pid}/exe`, { flag: 'r' }).length).toBe(statSync(executable).size);

      spawnSync('setpriv', ['--reuid', String(TEST_UID), '--clear-groups', '/usr/bin/echo', 'packaged-and-watched']);
      const event = await eventually('the exec at the server', async () => {
        const { events } = await installation.api<SearchApiResponse>('/search', {
          query: 'process.name:echo AND event.action:executed',
          sinceMs: beganMs - 1_000,
          untilMs: Date.now() + 1_000,
          limit: 10,
        });
        return events.find(({ document }) => JSON.stringify(document).includes('packaged-and-watched'));
      });
      expect(event.document).toMatchObject({
        process: { executable: '/usr/bin/echo', args: ['/usr/bin/echo', 'packaged-and-watched'] },
        tags: ['vedette-exec'],
      });
      const rssKib = Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${collector.pid}/status`, 'utf8'))?.[1]);
      expect(rssKib * 1024).toBeLessThan(100 * MIB);
      expect(await started.pop()?.stop()).toBe(0);
      expect(await kernelAuditState()).toBe(before);
    } finally {
      for (const one of started.reverse()) await one.stop();
      installation.remove();
    }
  });

  it('keeps a changed configuration over an upgrade, the data over a removal, and nothing over a purge', () => {
    const configuration = (): string => readFileSync(join(root.path, 'etc/vedette/vedette.yaml'), 'utf8');
    const changed = `${configuration()}# changed by the administrator\n`;
    writeFileSync(join(root.path, 'etc/vedette/vedette.yaml'), changed);
    root.run('dpkg', '--install', '--force-confold', '/tmp/vedette.deb');
    expect(configuration()).toBe(changed);
    expect(existsSync(join(root.path, 'var/lib/vedette/collector/token'))).toBe(true);

    root.run('dpkg', '--remove', 'vedette-collector');
    expect(existsSync(join(root.path, 'usr/sbin/vedette-collector'))).toBe(false);
    expect(existsSync(join(root.path, 'var/lib/vedette/collector/token'))).toBe(true);
    expect(configuration()).toBe(changed);

    root.run('dpkg', '--purge', 'vedette-collector');
    expect(existsSync(join(root.path, 'var/lib/vedette'))).toBe(false);
    expect(existsSync(join(root.path, 'etc/vedette'))).toBe(false);
    expect(root.run('getent', 'passwd', 'vedette')).toContain('vedette');
  });
});

/** As the comment in the packaged configuration says: for the service's group to read. */
function giveSecret(from: string): void {
  const to = join(root.path, 'etc/vedette/enrollment.secret');
  copyFileSync(from, to);
  const gid = Number(root.run('id', '-g', 'vedette').trim());
  chownSync(to, 0, gid);
  execFileSync('chmod', ['0640', to]);
}
