// The collector with followed logs, whole: its threads, its spool, its shipping. The host's own words are in other tests.
import { appendFileSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventIdOf } from '../../audit/document-id.ts';
import { createReassembler } from '../../audit/reassembler.ts';
import { startCollector } from '../../collector/collector.ts';
import { bootIdOf } from '../../collector/lineage/proc.ts';
import type { Collector, FileSourceOptions, Notice } from '../../collector/options.ts';
import { fieldOf, textOf } from '../../event/document.ts';
import { recordsOf, sampleLines } from '../audit/samples.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';

let folder: string;
let log: string;
let server: BulkServer;
const notices: Notice[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-file-collector-'));
  log = join(folder, 'audit.log');
  server = await startBulkServer();
  notices.length = 0;
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

// With its EOE, as dispatchers write it; auditd leaves it out, and then each event waits 4 s: that is tried without a clock elsewhere.
const LINES = sampleLines('execve_user');

async function start(host: FileSourceOptions['host']): Promise<Collector> {
  const started = await startCollector({
    dataFolder: folder,
    server: { url: server.url, enrollmentSecret: 'let-me-in' },
    source: { kind: 'file', files: [log], host, start: 'beginning' },
    onNotice: (notice) => notices.push(notice),
    now: Date.now,
  });
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  return started.collector;
}

const audited = () =>
  [...server.documents].filter(([, document]) => fieldOf(document, 'event.dataset') === 'auditd.log');

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(25);
}

/** The ids that the log's events have on a host. */
function idsOn(host: { readonly id: string; readonly bootId: string }): readonly string[] {
  const reassembler = createReassembler({ expectsEoe: false });
  const events = recordsOf(LINES).flatMap((record) => [...reassembler.push(record, record.timeMs)]);
  return [...events, ...reassembler.end()].map((event) => eventIdOf(event, { ...host, name: '' })).sort();
}

describe('a collector that follows a log', () => {
  it('ships each event once, over a rotation and a restart, as the host that was named', async () => {
    // Up to the end of an event: the rest of a cut one would come more than two seconds later.
    const whole = LINES.findIndex((line, at) => at > 15 && line.startsWith('type=SYSCALL'));
    writeFileSync(log, `${LINES.slice(0, whole).join('\n')}\n`);
    const first = await start({ id: 'web-7', name: 'web-7' });
    expect(first.mode).toEqual({ kind: 'file', files: [log] });
    expect(first.host).toEqual({ id: 'web-7', name: 'web-7' });
    await until(() => audited().length > 0);
    appendFileSync(log, `${LINES.slice(whole, 33).join('\n')}\n`);
    renameSync(log, `${log}.1`);
    writeFileSync(log, `${LINES.slice(33, 50).join('\n')}\n`);
    await first.close();
    appendFileSync(log, `${LINES.slice(50).join('\n')}\n`);
    const second = await start({ id: 'web-7', name: 'web-7' });
    const ids = idsOn({ id: 'web-7', bootId: '' });
    await until(() => audited().length >= ids.length);
    await second.close();
    expect(
      audited()
        .map(([id]) => id)
        .sort(),
    ).toEqual(ids);
    expect(existsSync(join(folder, 'collector-files-web-7', 'files.json'))).toBe(true);
    for (const [, document] of server.documents) {
      expect(textOf(document, 'host.id')).toBe('web-7');
      expect(JSON.stringify({ ...document, event: undefined })).not.toContain(`"${hostname()}"`);
      expect(fieldOf(document, 'host.ip')).toBeUndefined();
    }
    expect([...server.documents.values()].filter((one) => textOf(one, 'event.dataset') === 'vedette.loss')).toEqual([]);
    for (const [, document] of audited()) expect(fieldOf(document, 'vedette.incomplete')).toBeUndefined();
  });

  it('as this machine’s gives the ids that its own kernel’s stream would', async () => {
    writeFileSync(log, `${LINES.join('\n')}\n`);
    const collector = await start('this');
    const ids = idsOn({ id: collector.host.id, bootId: bootIdOf() });
    await until(() => audited().length >= ids.length);
    await collector.close();
    expect(
      audited()
        .map(([id]) => id)
        .sort(),
    ).toEqual(ids);
    expect(textOf(audited()[0]?.[1] ?? {}, 'host.name')).toBe(hostname());
  });
});
