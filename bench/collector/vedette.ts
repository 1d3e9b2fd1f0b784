// Our own collector as a subject: into its spool with no server there, and to a sink that takes everything, plain on loopback or
// compressed with TLS.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeInstallation } from '../../test/harness/installation.ts';
import { freePort } from '../../test/harness/receivers.ts';
import { folderBytes, occurrences } from './files.ts';
import { LOAD_UID } from './load.ts';
import { startSink } from './sink.ts';
import type { Running, Subject } from './subject.ts';

/** The packaged collector, where `npm run build:collector` has made it. */
const PACKAGED = fileURLToPath(new URL('../../dist/vedette-collector', import.meta.url));

type Way = 'spool' | 'plain' | 'TLS';

export const TO_SPOOL: Subject = vedette('vedette to spool', 'spool', undefined);
export const TO_SERVER: Subject = vedette('vedette to server', 'plain', undefined);
export const TO_SERVER_TLS: Subject = vedette('vedette, gzip + TLS', 'TLS', undefined);

/** The same as one packaged file; none where it was not built. */
export function packaged(): readonly Subject[] {
  return existsSync(PACKAGED) ? [vedette('packaged to spool', 'spool', PACKAGED)] : [];
}

function vedette(name: string, way: Way, program: string | undefined): Subject {
  return {
    name,
    async start(cgroup): Promise<Running> {
      const work = mkdtempSync(join(tmpdir(), 'vedette-subject-'));
      const sink = way === 'spool' ? undefined : await startSink(work, way === 'TLS');
      const token = join(work, 'token');
      writeFileSync(token, 'vdt_h_bench\n', { mode: 0o600 });
      const port = await freePort();
      const installation = makeInstallation({
        port,
        collectorServerUrl: sink?.url ?? `http://127.0.0.1:${port}`,
        rulesScope: `uid=${LOAD_UID}`,
        collectorYaml: `  token_file: ${token}`,
        environment: sink?.authorityFile === undefined ? {} : { NODE_EXTRA_CA_CERTS: sink.authorityFile },
      });
      const collector = await installation.start('collector', {
        wrapper: cgroup.wrapper,
        ...(program === undefined ? {} : { program }),
      });
      const spool = join(installation.dataFolder, 'collector', 'spool');
      return {
        events: async () =>
          sink === undefined ? occurrences(spool, 'type=SYSCALL msg=') : (await sink.count()).events,
        bytes: async () => (sink === undefined ? folderBytes(spool) : (await sink.count()).bytes),
        ...(sink === undefined ? {} : { named: sink.count }),
        note: async () => (sink === undefined ? undefined : `encoding ${(await sink.count()).encoding}`),
        async stop() {
          await collector.stop();
          await sink?.stop();
          await cgroup.remove();
          installation.remove();
          rmSync(work, { recursive: true, force: true });
        },
      };
    },
  };
}
