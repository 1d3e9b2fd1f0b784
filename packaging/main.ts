// Builds what is installed on hosts: `collector` makes the one-file executable, `deb` makes it and the Debian package around it.
// Everything goes into `dist/`. DEBFULLNAME, DEBEMAIL and SOURCE_DATE_EPOCH mean what they mean to Debian's own tools. Run under the Node that npm installed: that very binary becomes the executable.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildDebianPackage } from './debian-package.ts';
import { buildExecutable } from './executable.ts';

const checkout = fileURLToPath(new URL('..', import.meta.url));
const [what, outputFolder = `${checkout}dist`] = process.argv.slice(2);

if (what !== 'collector' && what !== 'deb') {
  process.stderr.write('usage: node packaging/main.ts collector|deb [FOLDER]\n');
  process.exit(2);
}
mkdirSync(outputFolder, { recursive: true });
const executable = await buildExecutable({ checkout, outputFolder, node: process.execPath });
process.stdout.write(`${executable.path} ${executable.bytes} bytes\n`);
if (what === 'deb') {
  const { DEBFULLNAME = 'Vedette maintainers', DEBEMAIL = 'vedette@example.org', SOURCE_DATE_EPOCH } = process.env;
  const made = buildDebianPackage({
    checkout,
    outputFolder,
    executable: executable.path,
    maintainer: `${DEBFULLNAME} <${DEBEMAIL}>`,
    now: SOURCE_DATE_EPOCH === undefined ? Date.now() : Number(SOURCE_DATE_EPOCH) * 1000,
  });
  process.stdout.write(`${made.path} ${made.bytes} bytes\n`);
}
