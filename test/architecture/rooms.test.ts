// Enforces the room table on every source file, and shows on planted violations that it can fail.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ROOMS, violations } from './rooms.ts';

const root = new URL('../../', import.meta.url);

function filesOf(room: string): { path: string; text: string }[] {
  return readdirSync(new URL(room, root), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: `${room}/${name}`, text: readFileSync(new URL(`${room}/${name}`, root), 'utf8') }));
}

const opening = '// Why.\n';

describe('the rooms', () => {
  for (const room of Object.keys(ROOMS)) {
    it(`${room} imports only the rooms and packages it may`, () => {
      const files = filesOf(room);
      expect(files.length).toBeGreaterThan(0);
      expect(violations(files)).toEqual([]);
    });
  }

  it('allow what the table allows', () => {
    const text = `${opening}import { a } from '../event/id.ts';\nimport x from 'yaml';\nimport type { B } from './rule.ts';`;
    expect(violations([{ path: 'rules/read.ts', text }])).toEqual([]);
  });
});

describe('a planted violation is found', () => {
  const planted: readonly [string, string, string, string][] = [
    ['a static import', 'event/x.ts', `import { a } from '../store/port.ts';`, 'event may not import store'],
    [
      'an import of types only',
      'engine/x.ts',
      `import type { A } from '../store/port.ts';`,
      'engine may not import store',
    ],
    ['a re-export', 'audit/x.ts', `export * from '../rules/rule.ts';`, 'audit may not import rules'],
    [
      'a dynamic import',
      'server/x.ts',
      `export const a = await import('../collector/spool.ts');`,
      'server may not import collector',
    ],
    [
      'a template import',
      'server/x.ts',
      'export const a = await import(`../cli/main.ts`);',
      'server may not import cli',
    ],
    [
      'an import type',
      'rules/x.ts',
      `export type A = import('../engine/engine.ts').Engine;`,
      'rules may not import engine',
    ],
    [
      'a worker',
      'alerts/x.ts',
      `export const u = new URL('../engine/w.ts', import.meta.url);`,
      'alerts may not import engine',
    ],
    ['a detour through a folder', 'event/a/x.ts', `import '../../store/port.ts';`, 'event may not import store'],
    ['a package of another room', 'collector/x.ts', `import fastify from 'fastify';`, 'collector may not use fastify'],
    [
      'a package with a scope',
      'engine/x.ts',
      `import { a } from '@duckdb/node-api';`,
      'engine may not use @duckdb/node-api',
    ],
    [
      'disk access in a pure room',
      'audit/x.ts',
      `import { readFileSync } from 'node:fs';`,
      'audit may not use node:fs',
    ],
    [
      'the environment outside a main',
      'server/x.ts',
      'export const a = process.env;',
      'process.env belongs into a main.ts',
    ],
    ['the clock in a clockless room', 'engine/x.ts', 'export const a = Date.now();', 'Date.now belongs into a main.ts'],
    ['a clock by constructor', 'rules/x.ts', 'export const a = new Date();', 'new Date() belongs into a main.ts'],
    ['a barrel', 'store/index.ts', 'export const a = 1;', 'may not be called index.ts'],
    ['a drawer for everything', 'store/utils.ts', 'export const a = 1;', 'may not be called utils.ts'],
    ['a name in camel case', 'store/someFile.ts', 'export const a = 1;', 'kebab-case'],
    ['a room that is none', 'misc/x.ts', 'export const a = 1;', 'misc is no room'],
  ];
  for (const [what, path, code, message] of planted) {
    it(what, () => {
      expect(violations([{ path, text: `${opening}${code}` }]).join('\n')).toContain(message);
    });
  }

  it('a file that does not say why it exists', () => {
    expect(violations([{ path: 'event/x.ts', text: 'export const a = 1;' }]).join()).toContain('why it exists');
  });
});
