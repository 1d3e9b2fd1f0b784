// Finds a Node that can run Vedette's TypeScript as it stands (24.12 or later): the one that runs this file, or the one
// that npm installed beside it. Uses nothing that Node 20 lacks, because Node 20 may be what runs it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major, minor] = process.versions.node.split('.').map(Number);

/** True when this very process is new enough (24.12: type stripping without a flag or a warning). */
export const isNewEnough = major > 24 || (major === 24 && minor >= 12);

/** The path of the Node that npm installed for this platform, or undefined. */
export function installedNode() {
  const path = fileURLToPath(
    new URL(`../node_modules/node-${process.platform}-${process.arch}/bin/node`, import.meta.url),
  );
  return existsSync(path) ? path : undefined;
}

/** Runs `argv` under the installed Node, passes signals and its exit code on, and never returns. */
export function runUnderInstalledNode(argv) {
  const node = installedNode();
  if (node === undefined) {
    process.stderr.write(
      `vedette: this is Node ${process.versions.node}, and Vedette needs 24.12 or later.\n` +
        `  npm brings one for Linux x64 and arm64 with glibc; none was found for ${process.platform}-${process.arch}.\n` +
        '  Run `npm ci` (without --omit=optional), or install Node 24.12 or later and put it first in PATH.\n',
    );
    process.exit(3);
  }
  const child = spawn(node, argv, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    // A terminal sends Ctrl-C to the whole group, so the child has it already: only stay alive until it is done.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`vedette: ${node} did not start: ${error.message}\n`);
    process.exit(3);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 3);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
