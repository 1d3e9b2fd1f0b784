// The JSON Schema of vedette.yaml, made from the key table.
import { CONFIG_KEYS, type ConfigKey } from './keys.ts';

interface SchemaObject {
  readonly type: 'object';
  readonly additionalProperties: false;
  readonly properties: Record<string, SchemaNode>;
}
type SchemaNode = SchemaObject | Readonly<Record<string, unknown>>;

/** Draft 2020-12; strict: a key that is not in the table is marked by editors. */
export function configJsonSchema(): Readonly<Record<string, unknown>> {
  const root = emptyObject();
  for (const key of CONFIG_KEYS) {
    if (key.kind !== 'secret') place(root, key.path.split('.'), schemaOf(key));
  }
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: 'vedette.yaml', ...root };
}

function place(object: SchemaObject, path: readonly string[], node: SchemaNode): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    object.properties[name] = node;
    return;
  }
  const inner = (object.properties[name] ?? emptyObject()) as SchemaObject;
  object.properties[name] = inner;
  place(inner, rest, node);
}

function schemaOf(key: ConfigKey): SchemaNode {
  const description = key.default === undefined ? key.description : `${key.description} Default: ${key.default}`;
  return { description, ...shapeOf(key) };
}

function shapeOf(key: ConfigKey): Readonly<Record<string, unknown>> {
  switch (key.kind) {
    case 'port':
      return { type: 'integer', minimum: 0, maximum: 65_535 };
    case 'count':
      return { type: 'integer', minimum: 1, maximum: 1_000_000_000 };
    case 'boolean':
      return { type: 'boolean' };
    case 'duration':
      return { type: 'string', pattern: '^[0-9]{1,9}(ms|s|m|h|d|w)$' };
    case 'bytes':
      return { type: ['string', 'integer'], pattern: '^[0-9]{1,15} ?(B|KiB|MiB|GiB|TiB)?$' };
    case 'percent':
      return { type: 'string', pattern: '^[0-9]{1,4} ?%$' };
    case 'choice':
      return { enum: key.choices ?? [] };
    case 'url':
      return { type: 'string', pattern: '^https?://' };
    case 'paths':
    case 'texts':
      return { type: ['array', 'string'], items: { type: 'string' }, maxItems: 100 };
    case 'text':
    case 'path':
    case 'secret':
      return { type: 'string', maxLength: 4096 };
  }
}

function emptyObject(): SchemaObject {
  return { type: 'object', additionalProperties: false, properties: {} };
}
