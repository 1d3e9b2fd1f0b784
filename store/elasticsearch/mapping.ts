// The index template that comes from the field catalogue. Fields outside it are kept in `_source` and not indexed, so that no
// shipper can make mappings without end; values that do not fit their type are kept too, and named in `_ignored`.
import { FIELDS, type Field } from '../../event/catalogue.ts';

/** Version of the template; kept in its `_meta`. */
const TEMPLATE_VERSION = 1;
/** Longer keywords are not indexed, only named in `_ignored`. Lucene's own limit is 32,766 bytes. */
const IGNORE_ABOVE = 8_191;

/** Marks a document that could not be stored in its own form, and holds it as text (form.ts). */
export const WRAPPED_FIELD = 'vedette_wrapped';

type Properties = Record<string, unknown>;

export function indexTemplate(prefix: string): Record<string, unknown> {
  return {
    index_patterns: [`${prefix}-*`],
    priority: 200,
    template: {
      settings: {
        number_of_shards: 1,
        'index.mapping.ignore_malformed': true,
        'index.mapping.source.mode': 'stored',
        'index.mapping.total_fields.limit': 2_000,
      },
      mappings: {
        dynamic: false,
        _meta: { vedette_template: TEMPLATE_VERSION },
        properties: {
          ...nested(FIELDS),
          [WRAPPED_FIELD]: { type: 'keyword', index: false, doc_values: false },
          [`${WRAPPED_FIELD}_mark`]: { type: 'keyword' },
        },
      },
    },
    _meta: { vedette_template: TEMPLATE_VERSION },
  };
}

function nested(fields: readonly Field[]): Properties {
  const properties: Properties = {};
  for (const field of fields) {
    const parts = field.name.split('.');
    let target = properties;
    for (const part of parts.slice(0, -1)) {
      const object = (target[part] ?? { properties: {} }) as { properties: Properties };
      target[part] = object;
      target = object.properties;
    }
    target[parts.at(-1) ?? field.name] = mappingOf(field);
  }
  return properties;
}

function mappingOf(field: Field): Properties {
  switch (field.type) {
    case 'keyword':
      return { type: 'keyword', ignore_above: IGNORE_ABOVE };
    case 'flattened':
      return { type: 'flattened', ignore_above: IGNORE_ABOVE };
    case 'text':
      return { type: 'text', norms: false };
    case 'long':
    case 'ip':
    case 'date':
    case 'boolean':
      return { type: field.type };
  }
}
