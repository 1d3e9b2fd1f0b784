// The documentation's commands run, and its tables are those of the code. A block of shell marked "sh run" is run as it stands
// against a server that this test starts; "sh" alone is for what needs root, a terminal or another machine. A block of YAML or TOML
// with a path behind it is that file.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONFIG_KEYS, variableOf } from '../cli/config/keys.ts';
import { childEnvironment, MAIN, makeFolder, type TestFolder } from './cli/terminal.ts';

const CHECKOUT = fileURLToPath(new URL('..', import.meta.url));
const PAGES = [
  'README.md',
  ...readdirSync(join(CHECKOUT, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
];

interface Block {
  readonly page: string;
  readonly line: number;
  /** What stands behind the three backticks: `sh run`. */
  readonly info: string;
  readonly text: string;
}

function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { line: number; info: string; lines: string[] } | undefined;
  for (const [index, line] of readFileSync(join(CHECKOUT, page), 'utf8').split('\n').entries()) {
    if (!line.startsWith('```')) open?.lines.push(line);
    else if (open === undefined) open = { line: index + 1, info: line.slice(3).trim(), lines: [] };
    else {
      blocks.push({ page, line: open.line, info: open.info, text: open.lines.join('\n') });
      open = undefined;
    }
  }
  expect(open, `${page}: a block is not closed`).toBeUndefined();
  return blocks;
}

const BLOCKS = PAGES.flatMap(blocksOf);

describe('docs/configuration.md', () => {
  it.each(CONFIG_KEYS)('tells of $path', (key) => {
    const variable = `\`${variableOf(key)}\``;
    const fallback = key.default === undefined ? '' : `\`${key.default}\``;
    const file = CONFIG_KEYS.some(({ path }) => path === `${key.path}_file`) ? `\`${key.path}_file\`` : '';
    const row =
      key.kind === 'secret'
        ? `| \`${key.path}\` | ${variable} | ${file} |`
        : `| \`${key.path}\` | ${variable} | ${fallback} | ${key.description} |`;
    expect(readFileSync(join(CHECKOUT, 'docs/configuration.md'), 'utf8').split('\n')).toContain(row);
  });
});

describe('the documentation', () => {
  const decisions = readdirSync(join(CHECKOUT, 'docs/decisions')).sort();
  const pages = [...PAGES, ...decisions.map((name) => `docs/decisions/${name}`)];

  it.each(pages)('%s links to what is there', (page) => {
    const text = readFileSync(join(CHECKOUT, page), 'utf8');
    const missing = [...text.matchAll(/\]\(([^)#:\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([link, path = '', anchor]) => {
      const target = path === '' ? join(CHECKOUT, page) : join(CHECKOUT, dirname(page), path);
      if (!existsSync(target)) return [link];
      return anchor === undefined || anchorsOf(target).has(anchor) ? [] : [link];
    });
    expect(missing).toEqual([]);
  });

  it('numbers its decisions without a gap, and names none that is not there', () => {
    expect(decisions.map((name) => Number(name.slice(0, 4)))).toEqual(decisions.map((_, at) => at + 1));
    for (const name of decisions) {
      expect(readFileSync(join(CHECKOUT, 'docs/decisions', name), 'utf8')).toMatch(
        new RegExp(`^# ${name.slice(0, 4)} `),
      );
    }
    const named = pages.flatMap((page) =>
      [...readFileSync(join(CHECKOUT, page), 'utf8').matchAll(/[Dd]ecisions?[ /](\d{4})/g)].map(([, number]) => number),
    );
    expect(named.filter((number) => !decisions.some((name) => name.startsWith(`${number}-`)))).toEqual([]);
  });
});

/** As GitHub makes them of headings. */
function anchorsOf(path: string): ReadonlySet<string> {
  const headings = readFileSync(path, 'utf8').matchAll(/^#+ +(.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('the commands of the documentation', () => {
  let folder: TestFolder;
  let server: ChildProcess;

  beforeAll(async () => {
    folder = makeFolder();
    prepare(folder.path);
    server = spawn(process.execPath, [MAIN, 'server', '--port', '0'], {
      cwd: folder.path,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await new Promise<void>((resolve, reject) => {
      let said = '';
      server.stderr?.on('data', (chunk) => {
        said += String(chunk);
        if (said.includes('vedette server at')) resolve();
      });
      server.on('exit', () => reject(new Error(said)));
    });
  });
  afterAll(async () => {
    const ended = new Promise((resolve) => server.on('exit', resolve));
    server.kill('SIGTERM');
    await ended;
    folder.remove();
  });

  const runnable = BLOCKS.filter(({ info }) => info === 'sh run');
  it('are there at all', () => {
    expect(new Set(runnable.map(({ page }) => page))).toContain('README.md');
    expect(new Set(runnable.map(({ page }) => page))).toContain('docs/operations.md');
  });

  it.each(runnable)('run: $page line $line', async ({ text }) => {
    const { code, said } = await shell(text, folder.path);
    expect(code, said).toBe(0);
  });
});

/** A folder like the one that a reader stands in: the rules, the files that the pages name, and `npx` without the network. */
function prepare(path: string): void {
  symlinkSync(join(CHECKOUT, 'rules'), join(path, 'rules'));
  for (const { info, text } of BLOCKS) {
    const [language, file] = info.split(' ');
    if ((language !== 'yaml' && language !== 'toml') || file === undefined) continue;
    mkdirSync(dirname(join(path, file)), { recursive: true });
    writeFileSync(join(path, file), `${text}\n`);
  }
  const sample = join(CHECKOUT, 'test/data/audit-samples/execve_script.log');
  copyFileSync(sample, join(path, 'audit.log'));
  writeFileSync(join(path, 'audit.log.1.gz'), gzipSync(readFileSync(sample)));
  mkdirSync(join(path, 'bin'));
  writeFileSync(
    join(path, 'bin', 'npx'),
    `#!/bin/sh\n[ "$1" = vedette ] && shift\nexec "${process.execPath}" "${MAIN}" "$@"\n`,
    {
      mode: 0o755,
    },
  );
}

function shell(text: string, path: string): Promise<{ readonly code: number; readonly said: string }> {
  const env = { ...childEnvironment(), PATH: `${join(path, 'bin')}:${process.env['PATH']}` };
  return new Promise((resolve) => {
    execFile('sh', ['-e', '-c', text], { cwd: path, env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, said: stdout + stderr });
    });
  });
}
