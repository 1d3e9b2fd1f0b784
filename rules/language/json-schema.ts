// The JSON Schema of rule files and list files, made from the readers themselves: what an editor marks is what would be refused.
import { FIELDS } from '../../event/catalogue.ts';
import { KEY_WORDS, LIST_WORDS, MACRO_WORDS } from './key-words.ts';
import { LIST } from './list-reader.ts';
import { MACRO } from './macro-reader.ts';
import { FIELD_NAME } from './plain-words.ts';
import { type Shape, shapeOfMap } from './readers.ts';
import { RULE } from './rule-keys.ts';

/** Draft 2020-12, strict: a key that no reader knows is marked. Completes fields by the catalogue, and takes others. */
export function ruleJsonSchema(): Shape {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A rule of Vedette',
    ...described(shapeOfMap(RULE), '', KEY_WORDS),
    anyOf: ['match', 'cases', 'sequence', 'combination', 'together'].map((key) => ({ required: [key] })),
    $defs: {
      field: { anyOf: [{ enum: FIELDS.map(({ name }) => name) }, FIELD_NAME] },
      event: {
        type: 'object',
        properties: {
          at: { type: 'string', description: 'How long after the test’s start it comes: 0s, 30s, 5m.' },
          ...Object.fromEntries(FIELDS.map(({ name, description }) => [name, { description }])),
        },
      },
    },
  };
}

/** The same of a file below lists/. */
export function listJsonSchema(): Shape {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A list of Vedette',
    ...described(shapeOfMap(LIST), '', LIST_WORDS),
  };
}

/** The same of a file below macros/. */
export function macroJsonSchema(): Shape {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A macro of Vedette',
    ...described(shapeOfMap(MACRO), '', MACRO_WORDS),
  };
}

/** Every key of a schema by its path, `alert.suppress.for`; lists and alternatives add nothing to it. */
export function keysOfSchema(schema: Shape, path = ''): readonly string[] {
  return innerShapes(schema).flatMap(({ key, shape }) => {
    const inner = key === undefined ? path : joined(path, key);
    return [...(key === undefined ? [] : [inner]), ...keysOfSchema(shape, inner)];
  });
}

function described(schema: Shape, path: string, words: Readonly<Record<string, string>>): Shape {
  const result: Record<string, unknown> = { ...schema };
  if (isShape(schema['properties'])) {
    result['properties'] = Object.fromEntries(
      Object.entries(schema['properties']).map(([key, shape]) => {
        const inner = joined(path, key);
        const description = words[inner] ?? words[key];
        return [
          key,
          { ...(description === undefined ? {} : { description }), ...described(shape as Shape, inner, words) },
        ];
      }),
    );
  }
  if (isShape(schema['items'])) result['items'] = described(schema['items'], path, words);
  for (const name of ALTERNATIVES) {
    const all = schema[name];
    if (Array.isArray(all)) result[name] = all.map((one: Shape) => described(one, path, words));
  }
  return result;
}

const ALTERNATIVES = ['anyOf', 'oneOf', 'allOf'] as const;

function innerShapes(schema: Shape): readonly { readonly key: string | undefined; readonly shape: Shape }[] {
  const properties = isShape(schema['properties']) ? Object.entries(schema['properties']) : [];
  const others = [schema['items'], ...ALTERNATIVES.flatMap((name) => schema[name])].filter(isShape);
  return [
    ...properties.map(([key, shape]) => ({ key, shape: shape as Shape })),
    ...others.map((shape) => ({ key: undefined, shape })),
  ];
}

function joined(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
