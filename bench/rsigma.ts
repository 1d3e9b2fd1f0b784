// rsigma, the peer for Sigma rules: VEDETTE_RSIGMA names the program, else the one on the PATH or the one that was installed for this
// (`cargo install rsigma --version 0.23.0 --locked --root .cache/bench/rsigma`). It is not installed by itself, in CI neither: nobody packages
// it but as source, and that takes more than six minutes of CPU to compile, its daemon left out.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const RSIGMA_IS_ABSENT =
  'rsigma: not here, so not compared (cargo install rsigma --version 0.23.0 --locked --root .cache/bench/rsigma)';
const INSTALLED = fileURLToPath(new URL('../.cache/bench/rsigma/bin/rsigma', import.meta.url));

export interface Rsigma {
  readonly command: string;
  readonly version: string;
}

export function findRsigma(): Rsigma | undefined {
  const command = process.env['VEDETTE_RSIGMA'] ?? (existsSync(INSTALLED) ? INSTALLED : 'rsigma');
  const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
  return status === 0 ? { command, version: stdout.split('\n')[0] ?? '' } : undefined;
}

interface RsigmaRun {
  readonly rulesFolder: string;
  /** A file with an event on each line. */
  readonly events: string;
  readonly options?: readonly string[];
}

function argumentsOf({ rulesFolder, events, options = [] }: RsigmaRun): readonly string[] {
  const from = ['engine', 'eval', '-r', rulesFolder, '-e', `@${events}`, '--input-format', 'json'];
  return [...from, ...options, '--output-format', 'ndjson', '-q'];
}

/** CPU of the program from begin to end, the least of three runs, and how many matches it wrote. */
export function rsigmaMicros({ command }: Rsigma, run: RsigmaRun): { readonly micros: number; readonly lines: number } {
  const runs = [1, 2, 3].map(() => childMicros(command, argumentsOf(run)));
  return { micros: Math.min(...runs.map(({ micros }) => micros)), lines: runs[0]?.lines ?? 0 };
}

/** What it wrote, a line for each match. */
export function rsigmaMatches({ command }: Rsigma, run: RsigmaRun): readonly string[] {
  const output = execFileSync(command, argumentsOf(run), { encoding: 'utf8', maxBuffer: 2 ** 29, stdio: 'pipe' });
  return output.split('\n').filter((line) => line !== '');
}

function childMicros(command: string, args: readonly string[]): { readonly micros: number; readonly lines: number } {
  const script = `const {spawnSync}=require('node:child_process');const {writeSync}=require('node:fs');
    const child=spawnSync(process.argv[1],process.argv.slice(2),{maxBuffer:2**28});
    if(child.status!==0)throw new Error(String(child.stderr));
    const tick=require('node:fs').readFileSync('/proc/self/stat','latin1').split(') ')[1].split(' ');
    writeSync(1,JSON.stringify({ticks:Number(tick[13])+Number(tick[14]),lines:child.stdout.toString('latin1').split('\\n').filter(Boolean).length}));`;
  const { ticks, lines } = JSON.parse(
    execFileSync(process.execPath, ['-e', script, command, ...args], { encoding: 'utf8', maxBuffer: 2 ** 28 }),
  ) as { ticks: number; lines: number };
  return { micros: ticks * 10_000, lines };
}
