// What reading somebody's log costs: a log of recorded events, many times over with stamps and serials that go on, from its bytes on
// disk to the documents' JSON and ids; raw, enriched and packed. No server.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createImporter } from '../audit/import.ts';
import { readLines } from '../cli/import/lines.ts';
import { BULK_LINE_BYTES_MAX } from '../event/bulk.ts';

const SAMPLES = new URL('../test/data/audit-samples/', import.meta.url);
const NAMES = ['execve_user', 'files_syscalls', 'connect_v4', 'user_sshd', 'interleaved_2cpu', 'mount'];
const LOG_BYTES = 200 * 1024 * 1024;
const SHORT_LOG_BYTES = 40 * 1024 * 1024;
const FIRST_SECOND = 1_795_290_000;

export async function run({ isShort }: { readonly isShort: boolean }): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'vedette-bench-import-'));
  try {
    const raw = join(folder, 'audit.log');
    writeLog(raw, isShort ? SHORT_LOG_BYTES : LOG_BYTES, (line) => line);
    const enriched = join(folder, 'enriched.log');
    writeLog(enriched, SHORT_LOG_BYTES, (line) =>
      line.startsWith('type=SYSCALL')
        ? `${line}\x1dARCH=x86_64 SYSCALL=openat AUID="unset" UID="root" GID="root" EUID="root" SUID="root"`
        : line,
    );
    const packed = join(folder, 'audit.log.gz');
    writeFileSync(packed, gzipSync(readFileSync(enriched), { level: 6 }));
    const zstd = join(folder, 'audit.log.zst');
    writeFileSync(zstd, zstdCompressSync(readFileSync(enriched)));
    const lines: string[] = ['form | MiB | events/s | CPU µs/event | RSS MiB at its highest, after a tenth'];
    for (const file of [raw, enriched, packed, zstd]) lines.push(await measure(file));
    return lines;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(file: string): Promise<string> {
  const importer = createImporter({ hostOf: () => ({ id: 'bench', name: 'bench', bootId: '' }) });
  const total = statSync(file).size;
  const before = process.cpuUsage();
  const startedMs = performance.now();
  let events = 0;
  let chars = 0;
  let batches = 0;
  let early = 0;
  let highest = 0;
  const take = (made: ReturnType<typeof importer.push>): void => {
    for (const one of made) {
      if (one.kind === 'rejected') throw new Error(one.reason);
      events += 1;
      chars += one.json.length + one.id.length;
    }
  };
  for await (const batch of readLines(file, BULK_LINE_BYTES_MAX)) {
    for (const { bytes } of batch) take(importer.push(bytes?.toString('latin1') ?? ''));
    if (++batches % 16 !== 0) continue;
    highest = Math.max(highest, process.memoryUsage.rss());
    if (batches === 16) early = highest;
  }
  take(importer.end());
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1000;
  const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  if (chars === 0) throw new Error('no document was made');
  const name = file.slice(file.lastIndexOf('/') + 1);
  return `${name} | ${mib(total)} | ${Math.round(events / seconds)} | ${((user + system) / events).toFixed(1)} | ${mib(highest)}, ${mib(early)}`;
}

/** The samples again and again, each round a second later and with serials of its own. */
function writeLog(path: string, bytesMin: number, change: (line: string) => string): void {
  const lines = NAMES.flatMap((name) => readFileSync(new URL(`${name}.log`, SAMPLES), 'latin1').split('\n')).filter(
    (line) => line !== '' && !line.startsWith('type=EOE'),
  );
  const serials = new Map<string, number>();
  const parts = lines.map((line) => {
    const stamp = /audit\([^)]*\)/.exec(line)?.[0] ?? '';
    if (!serials.has(stamp)) serials.set(stamp, serials.size);
    return {
      before: line.slice(0, line.indexOf(stamp)),
      serial: serials.get(stamp) ?? 0,
      after: line.slice(line.indexOf(stamp) + stamp.length),
    };
  });
  const fd = openSync(path, 'w');
  try {
    for (let round = 0, written = 0; written < bytesMin; round++) {
      const text = parts
        .map(
          ({ before, serial, after }) =>
            `${change(`${before}audit(${FIRST_SECOND + round}.${String(serial % 1000).padStart(3, '0')}:${round * serials.size + serial})${after}`)}\n`,
        )
        .join('');
      written += writeSync(fd, text, null, 'latin1');
    }
  } finally {
    closeSync(fd);
  }
}
