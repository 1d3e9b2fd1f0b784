// What indices are made with: the mapping, which comes from the field catalogue, and the settings. Fields outside the catalogue are
// kept in `_source` and not indexed, so that no shipper can make mappings without end; values that do not fit their type are kept
// too, and named in `_ignored`. Each type is mapped so that what is indexed is what the event says, or is named there: no number out
// of text, no time out of half a format. The dialect relies on it (dialect.ts), and on form.ts for what no mapping can say.
import { FIELDS, type Field } from '../../event/catalogue.ts';

/** Version of the templates; kept in their `_meta`. One of a higher version is not touched. */
export const TEMPLATE_VERSION = 2;
/** Longer keywords are not indexed, only named in `_ignored`. Lucene's own limit is 32,766 bytes, four to a character. */
const IGNORE_ABOVE = 8_191;
/**
 * A longer word of a text is cut, and a part of it could not be found: form.ts wraps such documents. Lucene takes 32,766 bytes, which is
 * three to a UTF-16 unit at the most; no record of the kernel is longer than 8,970 characters.
 */
export const WORD_CHARS_MAX = 10_922;
/** In `flattened` objects nothing would say what was too long: the document is refused, and stored wrapped. */
const FLATTENED_ABOVE = 2_000_000_000;
/** Times that mean the same to everyone; any other is named in `_ignored`. */
const DATE_FORMAT = "uuuu-MM-dd'T'HH:mm:ss.SSS'Z'||uuuu-MM-dd'T'HH:mm:ss'Z'";
/** What that format can say, epoch ms: the years 0 to 9999. */
export const INDEXED_MS_MIN: number = Date.parse('0000-01-01T00:00:00.000Z');
export const INDEXED_MS_MAX: number = Date.parse('9999-12-31T23:59:59.999Z');
const ANALYZER = 'vedette_words';

/** Marks a document that could not be stored in its own form, and holds it as text (form.ts). */
export const WRAPPED_FIELD = 'vedette_wrapped';
export const WRAPPED_MARK = `${WRAPPED_FIELD}_mark`;

export type Properties = Readonly<Record<string, unknown>>;

export interface IndexSettings {
  readonly shards?: number;
  readonly replicas?: number;
  /** How often Elasticsearch shows what was written to others; Vedette asks for it when it looks. */
  readonly refreshMs?: number;
  /** `auto`: logsdb where the cluster has it. */
  readonly mode?: 'auto' | 'logsdb' | 'standard';
}

const DEFAULT_SHARDS = 1;
const DEFAULT_REPLICAS = 1;
const DEFAULT_REFRESH_MS = 5_000;

const PROPERTIES: Properties = {
  ...nested(FIELDS),
  [WRAPPED_FIELD]: { type: 'keyword', index: false, doc_values: false },
  [WRAPPED_MARK]: { type: 'keyword' },
};

export function indexMapping(): Record<string, unknown> {
  return { dynamic: false, _meta: { vedette: { version: TEMPLATE_VERSION } }, properties: PROPERTIES };
}

/** The settings that the mapping names: a component template has to make sense alone. */
export const ANALYSIS: Properties = {
  [`index.analysis.analyzer.${ANALYZER}.type`]: 'standard',
  [`index.analysis.analyzer.${ANALYZER}.max_token_length`]: WORD_CHARS_MAX,
};

export function indexSettings(settings: IndexSettings, mode: 'logsdb' | 'standard'): Record<string, unknown> {
  const { shards = DEFAULT_SHARDS, replicas = DEFAULT_REPLICAS, refreshMs = DEFAULT_REFRESH_MS } = settings;
  return {
    'index.number_of_shards': shards,
    'index.number_of_replicas': replicas,
    'index.refresh_interval': `${refreshMs}ms`,
    'index.mapping.ignore_malformed': true,
    'index.mapping.total_fields.limit': 2_000,
    'index.max_regex_length': WORD_CHARS_MAX,
    'index.translog.durability': 'request',
    // What comes back is what went in: a rebuilt source may order and nest otherwise.
    'index.mapping.source.mode': 'stored',
    ...(mode === 'logsdb'
      ? // The tail asks by these numbers; without points each of its looks would read all of them.
        { 'index.mode': 'logsdb', 'index.seq_no.index_options': 'points_and_doc_values' }
      : {}),
  };
}

/** The mapping entry of a field of the catalogue. */
export function mappingOf(field: Field): Properties {
  switch (field.type) {
    case 'keyword':
      return { type: 'keyword', ignore_above: IGNORE_ABOVE };
    case 'flattened':
      return { type: 'flattened', ignore_above: FLATTENED_ABOVE };
    case 'text':
      return { type: 'text', norms: false, analyzer: ANALYZER };
    case 'long':
      return { type: 'long', coerce: false };
    case 'date':
      return { type: 'date', format: DATE_FORMAT };
    case 'ip':
    case 'boolean':
      return { type: field.type };
  }
}

function nested(fields: readonly Field[]): Properties {
  const properties: Record<string, unknown> = {};
  for (const field of fields) {
    const parts = field.name.split('.');
    let target = properties;
    for (const part of parts.slice(0, -1)) {
      const object = (target[part] ?? { properties: {} }) as { properties: Record<string, unknown> };
      target[part] = object;
      target = object.properties;
    }
    target[parts.at(-1) ?? field.name] = mappingOf(field);
  }
  return properties;
}
