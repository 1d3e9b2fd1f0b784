// `vedette store init`: sets up what the configured store needs and upgrades what an older version left. May be repeated.
import { existsSync } from 'node:fs';
import { elasticsearchOptions } from '../../server/open-store.ts';
import type { StoreOptions } from '../../server/options.ts';
import { type Command, type Invocation, isGiven, printJson } from '../command.ts';
import type { Config } from '../config/settings.ts';
import { CONFIG_OPTIONS, loadConfig, reasonOf } from '../config.ts';
import { makeDataFolder } from '../data-folder.ts';
import { EXIT, fail, type Outcome, succeed } from '../failure.ts';
import { storeOptions } from '../server-settings.ts';
import { counted } from '../table.ts';

interface Step {
  readonly what: string;
  readonly action: 'create' | 'upgrade' | 'change' | 'none';
  readonly detail: string;
}

/** What was done, and what would be. */
const WORDS: Readonly<Record<Step['action'], readonly [string, string]>> = {
  create: ['created', 'would be created'],
  upgrade: ['upgraded', 'would be upgraded'],
  change: ['changed', 'would be changed'],
  none: ['is as it should be', 'is as it should be'],
};

export const storeInit: Command = {
  name: 'store init',
  synopsis: '[--dry-run]',
  description:
    'Sets up the configured event store and upgrades what an older version left: on Elasticsearch the component and index templates, else the folder. Says what it did; may be repeated at any time. What a newer Vedette has set up is left as it is, with exit code 3.',
  positionals: { least: 0, most: 0 },
  options: { 'dry-run': { description: 'Only say what would be done.' }, ...CONFIG_OPTIONS },
  examples: [
    ['vedette store init --dry-run', 'Look first.'],
    ['vedette store init', 'Before the first start on a cluster, and after each upgrade.'],
  ],
  async run(invocation) {
    const config = await loadConfig(invocation);
    if (!config.isOk) return config.failure;
    const store = await storeOptions(config.value);
    if (!store.isOk) return store.failure;
    const isDryRun = isGiven(invocation, 'dry-run');
    const steps =
      store.value.kind === 'elasticsearch'
        ? await setUpCluster(store.value, isDryRun)
        : await setUpFolder(config.value, invocation, isDryRun);
    if (!steps.isOk) return steps.failure;
    if (invocation.isJson) printJson(invocation, { dryRun: isDryRun, steps: steps.value });
    else {
      for (const { what, action, detail } of steps.value) {
        invocation.context.stdout.write(`${what}: ${WORDS[action][isDryRun ? 1 : 0]} (${detail})\n`);
      }
    }
    return EXIT.fine;
  },
};

async function setUpCluster(
  options: Extract<StoreOptions, { readonly kind: 'elasticsearch' }>,
  isDryRun: boolean,
): Promise<Outcome<readonly Step[]>> {
  const { setUpElasticsearch } = await import('../../store/elasticsearch/elasticsearch-store.ts');
  try {
    return succeed(await setUpElasticsearch({ ...elasticsearchOptions(options), isDryRun }));
  } catch (error) {
    const isNewer = error instanceof Error && error.name === 'NewerTemplates';
    return fail(isNewer ? 'store/newer' : 'store/init', {
      message: `Elasticsearch was not set up: ${error instanceof Error ? error.message : 'unknown failure'}`,
      remedy: isNewer
        ? 'Use that version of Vedette, or a later one.'
        : 'Check the address, and that the credentials have the cluster privilege `manage_index_templates` (docs/elasticsearch.md).',
    });
  }
}

async function setUpFolder(
  config: Config,
  { context }: Invocation,
  isDryRun: boolean,
): Promise<Outcome<readonly Step[]>> {
  const folder = `${config.dataFolder}/store`;
  const isThere = existsSync(folder);
  const what = `store ${folder}`;
  if (isDryRun && !isThere) return succeed([{ what, action: 'create', detail: 'embedded' }]);
  if (isDryRun)
    return succeed([{ what, action: 'none', detail: 'embedded; its formats are checked without --dry-run' }]);
  const made = await makeDataFolder(config.dataFolder);
  if (!made.isOk) return made;
  try {
    const { openEmbeddedStore } = await import('../../store/embedded/embedded-store.ts');
    const store = await openEmbeddedStore({ folder, nowMs: context.now });
    try {
      const { events } = await store.statistics();
      return succeed([{ what, action: isThere ? 'none' : 'create', detail: `embedded, ${counted(events, 'event')}` }]);
    } finally {
      await store.close();
    }
  } catch (error) {
    return fail('store/init', {
      message: `the store in ${folder} was not set up: ${reasonOf(error)}`,
      remedy: 'Stop the server that uses it; files of a newer format need that version of Vedette.',
    });
  }
}
