// The Debian package around the one-file collector, put together by dpkg-deb: the executable, its unit, its configuration, its manual.
// packaging/debian holds the texts as they are installed; only the control file has blanks, filled here.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { debianChangelog } from './debian-changelog.ts';
import { EXECUTABLE_NAME } from './executable.ts';

const PACKAGE = 'vedette-collector';
const DOCUMENTS = `usr/share/doc/${PACKAGE}`;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
const MAINTAINER_SCRIPTS = ['postinst', 'prerm', 'postrm'] as const;

export interface DebianPackage {
  readonly path: string;
  readonly bytes: number;
}

/** Builds `vedette-collector_VERSION_ARCH.deb` in the output folder. */
export function buildDebianPackage(options: {
  readonly checkout: string;
  readonly outputFolder: string;
  readonly executable: string;
  /** `Name <address>` of who builds it. */
  readonly maintainer: string;
  readonly now: number;
}): DebianPackage {
  const { checkout, outputFolder, executable, maintainer, now } = options;
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const root = mkdtempSync(join(outputFolder, '.deb-'));
  try {
    chmodSync(root, 0o755);
    fillRoot({ root, checkout, executable, version, maintainer, now });
    writeControl({ root, checkout, version, architecture, maintainer });
    const path = join(outputFolder, `${PACKAGE}_${version}_${architecture}.deb`);
    execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '-z2', '--build', root, path], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return { path, bytes: statSync(path).size };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

interface Filling {
  readonly root: string;
  readonly checkout: string;
  readonly executable: string;
  readonly version: string;
  readonly maintainer: string;
  readonly now: number;
}

function fillRoot({ root, checkout, executable, version, maintainer, now }: Filling): void {
  const debian = join(checkout, 'packaging/debian');
  const place = (path: string, content: Buffer | string, mode = 0o644): void => {
    makeFolders(root, dirname(path));
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), mode);
  };
  const text = (name: string): Buffer => readFileSync(join(debian, name));
  const packed = (bytes: Buffer | string): Buffer => gzipSync(bytes, { level: 9 });
  makeFolders(root, 'usr/sbin');
  copyFileSync(executable, join(root, 'usr/sbin', EXECUTABLE_NAME));
  chmodSync(join(root, 'usr/sbin', EXECUTABLE_NAME), 0o755);
  place('etc/vedette/vedette.yaml', text('vedette.yaml'));
  place(`lib/systemd/system/${PACKAGE}.service`, text(`${PACKAGE}.service`));
  place(`usr/share/man/man8/${PACKAGE}.8.gz`, packed(text(`${PACKAGE}.8`)));
  place(`usr/share/lintian/overrides/${PACKAGE}`, text('lintian-overrides'));
  place(`${DOCUMENTS}/copyright`, text('copyright'));
  const changes = readFileSync(join(checkout, 'CHANGELOG.md'), 'utf8');
  place(
    `${DOCUMENTS}/changelog.gz`,
    packed(debianChangelog(changes, { packageName: PACKAGE, version, maintainer, now })),
  );
  const modules = join(checkout, 'node_modules');
  place(`${DOCUMENTS}/LICENSE.node.gz`, packed(readFileSync(join(modules, `node-linux-${process.arch}/LICENSE`))));
  place(`${DOCUMENTS}/LICENSE.koffi`, readFileSync(join(modules, 'koffi/LICENSE.txt')));
  place(`${DOCUMENTS}/LICENSE.yaml`, readFileSync(join(modules, 'yaml/LICENSE')));
}

function writeControl(options: {
  readonly root: string;
  readonly checkout: string;
  readonly version: string;
  readonly architecture: string;
  readonly maintainer: string;
}): void {
  const { root, checkout, version, architecture, maintainer } = options;
  const debian = join(checkout, 'packaging/debian');
  const files = filesUnder(root);
  const installedBytes = files.reduce((sum, path) => sum + statSync(join(root, path)).size, 0);
  const control = readFileSync(join(debian, 'control'), 'utf8')
    .replace('@VERSION@', version)
    .replace('@ARCHITECTURE@', architecture)
    .replace('@MAINTAINER@', maintainer)
    .replace('@INSTALLED_KIB@', String(Math.ceil(installedBytes / 1024)));
  const sums = files.map((path) => `${md5(join(root, path))}  ${path}\n`).join('');
  mkdirSync(join(root, 'DEBIAN'), { mode: 0o755 });
  const put = (name: string, content: string | Buffer, mode: number): void => {
    writeFileSync(join(root, 'DEBIAN', name), content);
    chmodSync(join(root, 'DEBIAN', name), mode);
  };
  put('control', control, 0o644);
  put('md5sums', sums, 0o644);
  put('conffiles', readFileSync(join(debian, 'conffiles')), 0o644);
  for (const name of MAINTAINER_SCRIPTS) put(name, readFileSync(join(debian, name)), 0o755);
}

/** Every folder on the way, readable by all whatever the umask. */
function makeFolders(root: string, path: string): void {
  let folder = root;
  for (const part of path.split('/')) {
    folder = join(folder, part);
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
  }
}

function filesUnder(root: string): readonly string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(root, path)).isFile())
    .sort();
}

/** The checksum that dpkg's own format wants; it guards against accidents only. */
function md5(path: string): string {
  return createHash('md5').update(readFileSync(path)).digest('hex');
}
