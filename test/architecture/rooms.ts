// The architecture as data: who may import whom, and which packages each room may use (docs/architecture.md). The checker is
// pure, so that the test can feed it planted violations.
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'vite';

interface Room {
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

const ROOM_NAMES = [
  'event',
  'audit',
  'rules',
  'alerts',
  'collector',
  'engine',
  'store',
  'backtest',
  'server',
  'cli',
] as const;

/** Node's own modules that touch neither disk, network, processes nor the clock. */
const PURE_BUILTINS = ['node:crypto', 'node:zlib', 'node:buffer', 'node:net', 'node:path'] as const;

export const ROOMS: Readonly<Record<string, Room>> = {
  event: { imports: [], packages: ['node:crypto', 'node:zlib'] },
  audit: { imports: ['event'], packages: [...PURE_BUILTINS] },
  rules: {
    imports: ['event'],
    packages: ['yaml', 'jsonata', 're2js', 'smol-toml', ...PURE_BUILTINS, 'node:fs', 'node:url'],
  },
  alerts: {
    imports: ['event'],
    packages: ['@slack/web-api', 'nodemailer', ...PURE_BUILTINS, 'node:http', 'node:https', 'node:stream', 'node:url'],
  },
  collector: { imports: ['event', 'audit'], packages: ['koffi', 'node:*'] },
  engine: { imports: ['event', 'rules'], packages: [...PURE_BUILTINS] },
  store: {
    imports: ['event', 'rules'],
    packages: ['@duckdb/node-api', '@duckdb/node-bindings', '@elastic/elasticsearch', 'liqe', 're2js', 'node:*'],
  },
  backtest: { imports: ['event', 'audit', 'rules', 'engine', 'store', 'alerts'], packages: [...PURE_BUILTINS] },
  server: {
    imports: ['event', 'audit', 'rules', 'engine', 'store', 'backtest', 'alerts'],
    packages: ['fastify', 'node-cron', 'node:*'],
  },
  cli: { imports: [...ROOM_NAMES], packages: ['yaml', 'node:*'] },
  // No room of the product: what makes installable files of it. It takes the rooms as files, so it imports none.
  packaging: { imports: [], packages: ['koffi', 'postject', 'vite', 'node:*'] },
};

/** Rooms whose files may hold no I/O at all: everything they use is listed in their packages. */
const FORBIDDEN_FILE_NAMES = /^(index|utils?|common|core|helpers?|misc|manager)\.ts$/;
/** Entry points of a process or worker: the only files that read arguments, the environment or the real clock. */
const ENTRY_FILES = /(^|\/)(main|[a-z-]+-worker)\.ts$/;
/** Rooms that hold no clock whatever. */
const CLOCKLESS_ROOMS: ReadonlySet<string> = new Set(['event', 'audit', 'rules', 'engine', 'backtest']);

export interface SourceFile {
  /** Relative to the checkout, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** What is wrong with these files, one sentence each; empty when nothing is. */
export function violations(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap(violationsOf);
}

function violationsOf(file: SourceFile): string[] {
  const roomName = file.path.split('/')[0] ?? '';
  const room = ROOMS[roomName];
  if (room === undefined) return [`${file.path}: ${roomName} is no room`];
  const found: string[] = [];
  const name = file.path.split('/').at(-1) ?? '';
  if (FORBIDDEN_FILE_NAMES.test(name)) found.push(`${file.path}: a file may not be called ${name}`);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name)) found.push(`${file.path}: file names are kebab-case`);
  if (!/^(#!.*\n)?\s*(\/\/|\/\*)/.test(file.text)) found.push(`${file.path}: a file opens by saying why it exists`);
  const facts = factsOf(file);
  for (const specifier of facts.specifiers) {
    const problem = importProblem(file.path, roomName, room, specifier);
    if (problem !== undefined) found.push(`${file.path}: ${problem}`);
  }
  for (const reading of facts.readings) {
    if (ENTRY_FILES.test(file.path)) continue;
    const isClock = reading === 'Date.now' || reading === 'new Date()';
    if (!isClock || CLOCKLESS_ROOMS.has(roomName)) found.push(`${file.path}: ${reading} belongs into a main.ts`);
  }
  return found;
}

function importProblem(path: string, roomName: string, room: Room, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const target = normalize(join(dirname(path), specifier)).split('/')[0] ?? '';
    if (target === roomName || room.imports.includes(target)) return undefined;
    return `${roomName} may not import ${target} (${specifier})`;
  }
  const name = specifier.startsWith('node:') ? specifier : packageName(specifier);
  const isAllowed = room.packages.some((allowed) =>
    allowed === 'node:*' ? name.startsWith('node:') : name === allowed || name.startsWith(`${allowed}/`),
  );
  return isAllowed ? undefined : `${roomName} may not use ${name}`;
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

interface Facts {
  readonly specifiers: readonly string[];
  readonly readings: readonly string[];
}

function factsOf(file: SourceFile): Facts {
  const { program, errors } = parseSync(file.path, file.text);
  if (errors.length > 0) throw new Error(`${file.path}: ${errors[0]?.message}`);
  const specifiers: string[] = [];
  const readings: string[] = [];
  walk(program, (node) => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) specifiers.push(specifier);
    const reading = readingOf(node);
    if (reading !== undefined) readings.push(reading);
  });
  return { specifiers, readings };
}

type Node = { readonly type: string; readonly [key: string]: unknown };

function specifierOf(node: Node): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return literalOf(node['source']);
    case 'CallExpression': {
      const isRequire = nameOf(node['callee']) === 'require' || nameOf(node['callee']) === 'import.meta.resolve';
      return isRequire ? literalOf((node['arguments'] as unknown[])[0]) : undefined;
    }
    case 'NewExpression': {
      const [target, base] = node['arguments'] as unknown[];
      const path = literalOf(target);
      const isWorker = nameOf(node['callee']) === 'URL' && base !== undefined && path?.endsWith('.ts') === true;
      return isWorker ? path : undefined;
    }
    default:
      return undefined;
  }
}

function readingOf(node: Node): string | undefined {
  if (node.type === 'MemberExpression') {
    const name = nameOf(node);
    if (name === 'process.argv' || name === 'process.env' || name === 'Date.now') return name;
  }
  if (
    node.type === 'NewExpression' &&
    nameOf(node['callee']) === 'Date' &&
    (node['arguments'] as unknown[]).length === 0
  ) {
    return 'new Date()';
  }
  return undefined;
}

function literalOf(node: unknown): string | undefined {
  const value = (node as { value?: unknown } | null | undefined)?.value;
  if (typeof value === 'string') return value;
  const quasis = (node as { quasis?: readonly { value: { cooked: string } }[] } | null | undefined)?.quasis;
  return quasis?.length === 1 ? quasis[0]?.value.cooked : undefined;
}

function nameOf(node: unknown): string {
  const part = node as Node | undefined;
  if (part?.type === 'Identifier') return String(part['name']);
  if (part?.type === 'MetaProperty') return 'import.meta';
  if (part?.type === 'MemberExpression') {
    const property = part['property'] as Node;
    const name = property.type === 'Identifier' ? String(property['name']) : (literalOf(property) ?? '?');
    return `${nameOf(part['object'])}.${name}`;
  }
  return '?';
}

function walk(node: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(node)) {
    for (const child of node) walk(child, visit);
  } else if (typeof node === 'object' && node !== null) {
    if (typeof (node as Node).type === 'string') visit(node as Node);
    for (const child of Object.values(node)) walk(child, visit);
  }
}
