// `vedette store init` on the embedded store, and where a cluster cannot be reached. On a cluster: elasticsearch-store.elasticsearch.ts.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEmbeddedStore } from '../../store/embedded/embedded-store.ts';
import { sampleEvent } from '../contract/event-samples.ts';
import { makeFolder, NOW_MS, runHere, type TestFolder } from './terminal.ts';

let folder: TestFolder;
beforeAll(() => {
  folder = makeFolder();
});
afterAll(() => folder.remove());

describe('vedette store init', () => {
  it('says what it would do, does it once, and then finds all as it should be', async () => {
    const data = join(folder.path, 'data');
    const init = (...words: readonly string[]) => runHere(['store', 'init', '--data', data, ...words]);
    expect((await init('--dry-run')).stdout).toContain('would be created (embedded)');
    expect(existsSync(data)).toBe(false);
    expect((await init()).stdout).toContain(': created (embedded, 0 events)');
    const store = await openEmbeddedStore({ folder: join(data, 'store'), nowMs: () => NOW_MS });
    await store.append([sampleEvent(1)]);
    const busy = await init();
    expect(busy.code).toBe(3);
    expect(busy.stderr).toContain('in use by another Vedette process');
    await store.close();
    const again = await init('--json');
    expect(JSON.parse(again.stdout)).toEqual({
      dryRun: false,
      steps: [{ what: `store ${data}/store`, action: 'none', detail: 'embedded, 1 event' }],
    });
    expect(again.code).toBe(0);
  });

  it('refuses files of a newer format', async () => {
    const data = join(folder.path, 'newer');
    await runHere(['store', 'init', '--data', data]);
    writeFileSync(join(data, 'store', 'partitions.json'), '{"vedette":"partitions","version":99,"partitions":[]}');
    const { code, stderr } = await runHere(['store', 'init', '--data', data]);
    expect(code).toBe(3);
    expect(stderr).toContain('has format 99');
  });

  it('says that nobody answers', async () => {
    const env = { VEDETTE_STORE_ELASTICSEARCH_NODE: 'http://127.0.0.1:9', VEDETTE_DATA: join(folder.path, 'none') };
    const { code, stderr } = await runHere(['store', 'init', '--dry-run'], { env });
    expect(code).toBe(3);
    expect(stderr).toContain(
      'Elasticsearch was not set up: Elasticsearch did not answer: connect ECONNREFUSED 127.0.0.1:9 ',
    );
    expect(stderr).toContain('manage_index_templates');
  });
});
