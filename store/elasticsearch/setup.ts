// Sets a cluster up, and upgrades what an older version left: component and index templates, each with its version. May be repeated at
// any time; what is as it should be is left alone, and what a newer version made is refused.
import { createHash } from 'node:crypto';
import type { Client } from '@elastic/elasticsearch';
import { statusOf } from './connection.ts';
import { ANALYSIS, type IndexSettings, indexMapping, indexSettings, TEMPLATE_VERSION } from './mapping.ts';

export interface SetupStep {
  /** `component template vedette-events@mappings`. */
  readonly what: string;
  readonly action: 'create' | 'upgrade' | 'change' | 'none';
  /** In words: from which version, which settings. */
  readonly detail: string;
}

/** A newer version of Vedette has set this cluster up. */
class NewerTemplates extends Error {
  constructor(name: string, version: number) {
    super(
      `the template ${name} is of version ${version}, and this Vedette knows ${TEMPLATE_VERSION}: a newer one has set this cluster up`,
    );
    this.name = 'NewerTemplates';
  }
}

interface Wanted {
  readonly kind: 'component' | 'index';
  readonly name: string;
  readonly body: Record<string, unknown>;
}

interface Existing {
  readonly version: number;
  readonly digest: string | undefined;
}

/** What is to be done, or was. Throws {@link NewerTemplates} before anything is changed. */
export async function setUp(
  client: Client,
  prefix: string,
  options: { readonly settings: IndexSettings; readonly isDryRun: boolean },
): Promise<readonly SetupStep[]> {
  const mode = await modeOf(client, options.settings);
  const planned: { wanted: Wanted; step: SetupStep }[] = [];
  for (const wanted of templates(prefix, options.settings, mode)) {
    planned.push({ wanted, step: stepOf(wanted, await existing(client, wanted), mode) });
  }
  if (!options.isDryRun) {
    for (const { wanted, step } of planned) if (step.action !== 'none') await put(client, wanted);
  }
  return planned.map(({ step }) => step);
}

function templates(prefix: string, settings: IndexSettings, mode: 'logsdb' | 'standard'): readonly Wanted[] {
  const [ofSettings, ofMappings, own] = [`${prefix}@settings`, `${prefix}@mappings`, `${prefix}@custom`];
  return [
    versioned('component', ofSettings, { template: { settings: indexSettings(settings, mode) } }),
    versioned('component', ofMappings, { template: { settings: ANALYSIS, mappings: indexMapping() } }),
    versioned('index', prefix, {
      index_patterns: [`${prefix}-*`],
      priority: 200,
      composed_of: [ofSettings, ofMappings, own],
      // Who wants other settings writes them there; no upgrade touches it.
      ignore_missing_component_templates: [own],
    }),
    versioned('index', `${prefix}_dropped`, {
      index_patterns: [`${prefix}_dropped`],
      priority: 200,
      template: {
        settings: { 'index.number_of_shards': 1, 'index.auto_expand_replicas': '0-1' },
        mappings: { dynamic: false, properties: { name: { type: 'keyword' } } },
      },
    }),
  ];
}

function versioned(kind: Wanted['kind'], name: string, body: Record<string, unknown>): Wanted {
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex').slice(0, 16);
  return {
    kind,
    name,
    body: { ...body, version: TEMPLATE_VERSION, _meta: { vedette: { version: TEMPLATE_VERSION, digest } } },
  };
}

function stepOf(wanted: Wanted, found: Existing | undefined, mode: 'logsdb' | 'standard'): SetupStep {
  const what = `${wanted.kind === 'component' ? 'component template' : 'index template'} ${wanted.name}`;
  const detail = wanted.name.endsWith('@settings')
    ? `version ${TEMPLATE_VERSION}, index mode ${mode}`
    : `version ${TEMPLATE_VERSION}`;
  if (found === undefined) return { what, action: 'create', detail };
  if (found.version > TEMPLATE_VERSION) throw new NewerTemplates(wanted.name, found.version);
  if (found.version < TEMPLATE_VERSION)
    return { what, action: 'upgrade', detail: `version ${found.version} to ${detail.slice(8)}` };
  const { digest } = (wanted.body['_meta'] as { vedette: { digest: string } }).vedette;
  return { what, action: found.digest === digest ? 'none' : 'change', detail };
}

async function existing(client: Client, { kind, name }: Wanted): Promise<Existing | undefined> {
  try {
    const template =
      kind === 'component'
        ? (await client.cluster.getComponentTemplate({ name })).component_templates[0]?.component_template
        : (await client.indices.getIndexTemplate({ name })).index_templates[0]?.index_template;
    const meta = template?._meta as
      | { vedette?: { version?: unknown; digest?: unknown }; vedette_template?: unknown }
      | undefined;
    const version = Number(meta?.vedette?.version ?? meta?.vedette_template ?? 0);
    const digest = meta?.vedette?.digest;
    return { version, digest: typeof digest === 'string' ? digest : undefined };
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

async function put(client: Client, { kind, name, body }: Wanted): Promise<void> {
  if (kind === 'component')
    await client.cluster.putComponentTemplate({ name, ...body } as Parameters<
      Client['cluster']['putComponentTemplate']
    >[0]);
  else await client.indices.putIndexTemplate({ name, ...body });
}

/** logsdb where the cluster takes an index of it, and nobody wants otherwise. */
async function modeOf(client: Client, settings: IndexSettings): Promise<'logsdb' | 'standard'> {
  if (settings.mode !== undefined && settings.mode !== 'auto') return settings.mode;
  try {
    await client.indices.simulateTemplate({
      index_patterns: ['vedette-probe-of-index-modes-*'],
      priority: 1,
      template: { settings: indexSettings(settings, 'logsdb') },
    });
    return 'logsdb';
  } catch (error) {
    if (statusOf(error) === 400) return 'standard';
    throw error;
  }
}
