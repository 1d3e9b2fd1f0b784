// Needs root; what reads the audit socket also that nobody owns it. Every rule is scoped to a uid that nobody has.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restoreKernel } from '../../collector/kernel-state.ts';
import { createContainers } from '../../collector/lineage/containers.ts';
import { procView } from '../../collector/lineage/proc.ts';
import { createProcessTable } from '../../collector/lineage/process-table.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';
import { asUser, type Document, documentsOf, end, type Running, startCollectorProcess, until } from './kernel-stage.ts';

const UID = 64_243;

describe('pids that the kernel uses again', () => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const hasOwnCircles = major > 6 || (major === 6 && minor >= 14);
  it.skipIf(!hasOwnCircles)(
    'never bring one process’s id or parent to another (skipped before Linux 6.14: pid_max is the host’s)',
    () => {
      const program = fileURLToPath(new URL('./pid-namespace.ts', import.meta.url));
      const namespace = ['--pid', '--fork', '--kill-child', '--mount-proc', process.execPath, program];
      const told = execFileSync('unshare', namespace, { encoding: 'utf8' })
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Document);
      const [first, second, third, late, pids] = told;
      expect([pids?.['second'], pids?.['third'], pids?.['impostor']]).toEqual([
        pids?.['first'],
        pids?.['first'],
        pids?.['mother'],
      ]);
      const pid = String(pids?.['first']);
      expect(first?.['id']).toBe(`h.b.${pid}.${first?.['startTicks']}`);
      expect(second?.['id']).toBe(`h.b.${pid}.${second?.['startTicks']}`);
      expect(second?.['id']).not.toBe(first?.['id']);
      expect(third?.['id']).toMatch(new RegExp(`^h\\.b\\.${pid}\\.e`));
      expect(new Set([first, second, third].map((one) => one?.['parent'])).size).toBe(1);
      expect(first?.['parent']).toMatch(/^h\.b\.1\.\d+$/);
      expect(late).toMatchObject({ parent: null, isComplete: false });
    },
  );
});

describe('a container', () => {
  const mounted = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) => existsSync(join(path, 'cgroup.procs')));
  it.skipIf(mounted === undefined)(
    'is told by a real cgroup of version 2 (skipped where none is mounted)',
    async () => {
      const id = createHash('sha256').update('vedette lineage test').digest('hex');
      const group = join(mounted ?? '', `docker-${id}.scope`);
      mkdirSync(group);
      const child = spawn('sleep', ['100'], { stdio: 'ignore' });
      const pid = child.pid as number;
      try {
        const table = createProcessTable({
          hostId: 'h',
          bootId: 'b',
          proc: procView(Date.now),
          containers: createContainers(),
        });
        const container = (): unknown => {
          const entry = table.entryOf(pid);
          if (entry !== undefined) table.sweep(entry, Date.now());
          table.see({ timeMs: Date.now() }, undefined, Date.now());
          return table.lineage(pid, process.pid).container;
        };
        expect(container()).toBeUndefined();
        writeFileSync(join(group, 'cgroup.procs'), String(pid));
        expect(container()).toMatchObject({ id, runtime: 'docker' });
      } finally {
        child.kill('SIGKILL');
        await new Promise((resolve) => {
          child.once('exit', resolve);
        });
        rmdirSync(group);
      }
    },
  );
});

describe('lineage on the kernel', () => {
  let folder: string;
  let server: BulkServer;
  const running: Running[] = [];
  const start = async (): Promise<Running> => {
    const one = await startCollectorProcess({ dataFolder: folder, uid: UID, hashesExecutables: true }, server);
    running.push(one);
    return one;
  };
  const execs = (marker: string): Document[] =>
    documentsOf(server).filter(
      (one) =>
        one['event'].action === 'executed' &&
        one['process'].args?.includes(marker) &&
        // A kill may cut an event in two: it then says so, and lacks records.
        one['vedette'].incomplete === undefined,
    );

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vedette-lineage-'));
    chmodSync(folder, 0o755);
    server = await startBulkServer();
  });

  afterEach(async () => {
    for (const { child } of running.splice(0)) await end(child, 'SIGKILL');
    await restoreKernel(folder);
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('tells an exec in place, a script, a digest, and who daemonised', async () => {
    const script = join(folder, 'tool.sh');
    writeFileSync(script, '#!/bin/sh\n/bin/true by-script\nsleep 0.2\n', { mode: 0o755 });
    await start();
    asUser(UID, 'exec /bin/sh -c "exec /bin/true in-place"');
    asUser(UID, `cd ${folder} && ./tool.sh with-script`);
    asUser(UID, '(/bin/sh -c "sleep 0.4; /bin/true daemon; exit 0" &) ; exit 0');
    await until(() => ['in-place', 'by-script', 'daemon'].every((one) => execs(one).length === 1));
    // Digests are computed beside everything else: an exec that comes after has it.
    const withDigest = () => execs('digest').find((one) => one['process'].hash !== undefined);
    await until(() => {
      if (withDigest() === undefined) asUser(UID, '/bin/true digest; sleep 0.5');
      return withDigest() !== undefined;
    });
    expect(execs('in-place')[0]?.['process'].previous?.at(-1)).toMatchObject({ name: 'sh' });
    expect(execs('with-script')[0]?.['process'].Ext.script.path).toBe(script);
    expect(execs('by-script')[0]?.['process'].parent).toMatchObject({
      name: 'tool.sh',
      Ext: { script: { path: script } },
    });
    const digest = createHash('sha256').update(readFileSync('/bin/true')).digest('hex');
    expect(withDigest()?.['process'].hash.sha256).toBe(digest);
    const daemon = execs('daemon')[0]?.['process'];
    expect(daemon.parent.name).toBe('sh');
    expect(daemon.ancestors[0].pid).toBe(daemon.parent.pid);
  });

  it('keeps the ids of processes over kills of the collector', async () => {
    const first = await start();
    const loop = spawn(
      'setpriv',
      ['--reuid', String(UID), '--clear-groups', '/bin/sh', '-c', 'while :; do /bin/true loop; sleep 0.1; done'],
      { stdio: 'ignore' },
    );
    try {
      await until(() => execs('loop').length >= 3);
      await end(first.child, 'SIGKILL');
      const second = await start();
      const before = execs('loop').length;
      await until(() => execs('loop').length >= before + 3);
      await end(second.child, 'SIGKILL');
      const third = await start();
      const then = execs('loop').length;
      await until(() => execs('loop').length >= then + 3);
      await end(third.child, 'SIGTERM');
    } finally {
      loop.kill('SIGKILL');
    }
    const parents = new Set(execs('loop').map((one) => one['process'].parent.entity_id));
    expect(parents.size).toBe(1);
    expect([...parents][0]).toMatch(new RegExp(`\\.${loop.pid}\\.\\d+$`));
    const chains = new Set(
      execs('loop').map((one) => one['process'].ancestors.map((a: Document) => a['entity_id']).join()),
    );
    expect(chains.size).toBe(1);
    const own = execs('loop').map((one) => one['process'].entity_id);
    expect(new Set(own).size).toBe(own.length);
  });
});
