// The collector as one file: Node's own binary with the program put into it (a single executable application). What is in it: the
// main script, the reading thread's script, koffi's native part. Only main scripts may be files of the executable's own kind, so
// the reading thread is a text (collector/reader-program.ts) and koffi's part is loaded by packaging/koffi-asset.ts.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bundle } from './bundle.ts';

const require = createRequire(import.meta.url);
/** Puts a resource into an ELF file; the package brings no types. */
const { inject } = require('postject') as {
  inject(file: string, resource: string, bytes: Buffer, options: { readonly sentinelFuse: string }): Promise<void>;
};

export const EXECUTABLE_NAME = 'vedette-collector';
/** By these names the program finds its parts. */
const READER_ASSET = 'reader-worker.js';
const KOFFI_ASSET = 'koffi.node';
/** Node marks with this text where it is to look for a program; the last digit is turned by the injection. */
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const RESOURCE = 'NODE_SEA_BLOB';
/**
 * What keeps the memory small and the environment out: a young generation of 1 MiB is collected before it spreads over the caches of
 * the machine, and neither NODE_OPTIONS nor an argument can give the process another program.
 */
const NODE_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=96', '--disable-warning=ExperimentalWarning'];

export interface Executable {
  readonly path: string;
  readonly bytes: number;
  /** Paths of all modules inside. */
  readonly modules: readonly string[];
}

/** Builds for the platform of `node`, which becomes part of it. */
export async function buildExecutable(options: {
  readonly checkout: string;
  readonly outputFolder: string;
  readonly node: string;
}): Promise<Executable> {
  const { checkout, outputFolder, node } = options;
  const aliases = { koffi: join(checkout, 'packaging/koffi-asset.ts') };
  const work = mkdtempSync(join(outputFolder, '.build-'));
  try {
    const program = await bundle({ checkout, aliases, entry: join(checkout, 'cli/collector/main.ts') });
    const reader = await bundle({ checkout, aliases, entry: join(checkout, 'collector/reader-worker.ts') });
    writeFileSync(join(work, 'main.js'), program.code);
    writeFileSync(join(work, READER_ASSET), reader.code);
    writeFileSync(
      join(work, 'sea.json'),
      JSON.stringify({
        // Relative: the name stands in the stack traces of every host.
        main: 'main.js',
        output: 'program',
        disableExperimentalSEAWarning: true,
        useCodeCache: true,
        execArgv: NODE_FLAGS,
        execArgvExtension: 'none',
        assets: { [READER_ASSET]: join(work, READER_ASSET), [KOFFI_ASSET]: koffiBinary() },
      }),
    );
    execFileSync(node, ['--experimental-sea-config', 'sea.json'], {
      cwd: work,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const unfinished = join(work, EXECUTABLE_NAME);
    copyFileSync(node, unfinished);
    chmodSync(unfinished, 0o755);
    strip(unfinished);
    await inject(unfinished, RESOURCE, readFileSync(join(work, 'program')), { sentinelFuse: FUSE });
    const path = join(outputFolder, EXECUTABLE_NAME);
    renameSync(unfinished, path);
    return { path, bytes: statSync(path).size, modules: [...program.modules, ...reader.modules] };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The native part of koffi for this platform and the GNU C library. */
function koffiBinary(): string {
  const fromKoffi = createRequire(require.resolve('koffi'));
  const folder = join(fromKoffi.resolve(`@koromix/koffi-linux-${process.arch}`), '..');
  return join(folder, `linux_${process.arch}`, 'koffi.node');
}

/** Takes the symbol table out, where there is a tool for it: 18 MB less. */
function strip(path: string): void {
  try {
    execFileSync('strip', ['--strip-unneeded', path], { stdio: 'ignore' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
