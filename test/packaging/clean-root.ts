// A host for the package to be installed on: a Debian root folder with the essential packages alone, made by mmdebstrap from the
// mirror that apt knows. It is kept under .cache, since making it takes 20 s; each test gets a copy, in a mount namespace of its own
// for each command, so that nothing stays mounted.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));
const SUITE = 'bookworm';
/** What the package depends on and the essential packages do not bring. */
const INCLUDED = 'libstdc++6,adduser';
/** An older one is made anew. */
const CACHED_FOR_MS = 7 * 24 * 3_600_000;
const SERVICE_CAPABILITIES = '-all,+audit_control,+audit_read';

export interface CleanRoot {
  readonly path: string;
  /** Runs a command inside as root; its output, or it throws. */
  run(...command: readonly string[]): string;
  /** The command line that becomes a process inside, as the unit would start it: the service's user, only the audit capabilities. */
  asService(environment: Readonly<Record<string, string>>, ...command: readonly string[]): readonly string[];
  remove(): void;
}

/** Why there can be no clean root here, or undefined. */
export function whyNoCleanRoot(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  for (const tool of ['mmdebstrap', 'dpkg-deb', 'setpriv', 'unshare', 'chroot']) {
    if (!isInPath(tool)) return `needs ${tool}`;
  }
  return undefined;
}

export function makeCleanRoot(): CleanRoot {
  const archive = cachedArchive();
  const path = mkdtempSync(join(tmpdir(), 'vedette-root-'));
  execFileSync('tar', ['-xf', archive, '-C', path]);
  // Nothing is to be started inside.
  writeFileSync(join(path, 'usr/sbin/policy-rc.d'), '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const enter = (environment: readonly string[], command: readonly string[]): readonly string[] => [
    'unshare',
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    'mount -t proc proc "$1/proc" && exec chroot "$@"',
    'sh',
    path,
    'env',
    '-i',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    ...environment,
    ...command,
  ];
  return {
    path,
    run(...command) {
      const [program = '', ...rest] = enter(['DEBIAN_FRONTEND=noninteractive'], command);
      return execFileSync(program, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    },
    asService: (environment, ...command) =>
      enter(
        Object.entries(environment).map(([name, value]) => `${name}=${value}`),
        [
          'setpriv',
          '--reuid=vedette',
          '--regid=vedette',
          '--clear-groups',
          `--inh-caps=${SERVICE_CAPABILITIES}`,
          `--ambient-caps=${SERVICE_CAPABILITIES}`,
          `--bounding-set=${SERVICE_CAPABILITIES}`,
          '--no-new-privs',
          ...command,
        ],
      ),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

function cachedArchive(): string {
  const archive = join(CACHE, `clean-root-${SUITE}-${process.arch}.tar`);
  if (existsSync(archive) && Date.now() - statSync(archive).mtimeMs < CACHED_FOR_MS) return archive;
  mkdirSync(CACHE, { recursive: true });
  const unfinished = `${archive}.${process.pid}.tar`;
  try {
    execFileSync('mmdebstrap', ['--quiet', '--variant=essential', `--include=${INCLUDED}`, SUITE, unfinished], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    renameSync(unfinished, archive);
  } finally {
    rmSync(unfinished, { force: true });
  }
  return archive;
}

function isInPath(tool: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, tool)));
}
