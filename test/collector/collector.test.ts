import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCollector } from '../../collector/collector.ts';
import { readState, replaceFile } from '../../collector/durable-file.ts';
import { hostIdOf } from '../../collector/host-identity.ts';
import type { CollectorOptions, Notice } from '../../collector/options.ts';
import { loadReaderState } from '../../collector/reader-state.ts';
import { openRecordingSource } from '../../collector/recording-source.ts';
import { REJECTED_BYTES_MAX, setAside } from '../../collector/ship/set-aside.ts';
import { loadShipState, saveShipState, withLosses } from '../../collector/ship/ship-state.ts';
import { textOf } from '../../event/document.ts';
import { type BulkServer, startBulkServer } from './bulk-server.ts';

let folder: string;
let server: BulkServer;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-collector-'));
  server = await startBulkServer();
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

function options(more: Partial<CollectorOptions> = {}): CollectorOptions {
  return {
    dataFolder: folder,
    server: { url: server.url, enrollmentSecret: 'let-me-in' },
    source: { kind: 'recording', speed: 1_000_000 },
    now: Date.now,
    ...more,
  };
}

/** Plays the shipped recording to its end. */
async function play(more: Partial<CollectorOptions> = {}) {
  const started = await startCollector(options(more));
  if (started.kind !== 'started') throw new Error(JSON.stringify(started));
  const { collector } = started;
  while (collector.figures().delivered < 40) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  await collector.close();
  return collector;
}

describe('collector', () => {
  it('enrols, plays the recorded host through the whole pipeline and signs off', async () => {
    const collector = await play();
    expect(collector.host).toEqual({ id: 'demo-host', name: 'demo-host' });
    const [enrolment] = server.requests;
    expect(JSON.parse(enrolment?.body ?? '')).toEqual({
      enrollment_secret: 'let-me-in',
      host: { id: 'demo-host', name: 'demo-host' },
      token: expect.stringMatching(/^vdt_h_[A-Za-z0-9_-]{43}$/),
    });
    expect(server.requests.at(-1)?.headers['vedette-sign-off']).toBe('1');
    const documents = [...server.documents.values()];
    const shell = documents.find(
      (one) => textOf(one, 'process.name') === 'bash' && textOf(one, 'process.parent.name') === 'apache2',
    );
    expect(shell).toMatchObject({
      event: { action: 'executed' },
      user: { name: 'www-data' },
      host: { id: 'demo-host' },
    });
    expect(Math.abs(Date.parse(textOf(shell ?? {}, '@timestamp') ?? '') - Date.now())).toBeLessThan(60_000);
    const token = join(folder, 'collector-recording', 'token');
    expect(readFileSync(token, 'utf8')).toBe('vdt_h_secret\n');
    expect(statSync(token).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'collector-recording')).mode & 0o777).toBe(0o700);
  });

  it('never labels a recording with this host’s name or processes', async () => {
    await play();
    for (const document of server.documents.values()) {
      expect(textOf(document, 'host.name')).toBe('demo-host');
      expect(JSON.stringify(document)).not.toContain(`"pid":${process.pid},`);
    }
  });

  it('saves how far the server has everything soon after the last delivery, not with the next one', async () => {
    // Slow enough for several deliveries within one second.
    const started = await startCollector(options({ source: { kind: 'recording', speed: 10 } }));
    if (started.kind !== 'started') throw new Error(JSON.stringify(started));
    const { collector } = started;
    const state = join(folder, 'collector-recording');
    const isSaved = (): boolean => {
      const { delivered, position, deliveredPosition } = collector.figures();
      return delivered >= 40 && deliveredPosition === position && loadShipState(state).deliveredPosition === position;
    };
    while (!isSaved()) await new Promise((end) => setTimeout(end, 20));
    await collector.close();
  });

  it('waits for a server and a secret that come later than it', async () => {
    const secretFile = join(folder, 'secret');
    const notices: Notice[] = [];
    server.answer = (request) => (request.path === '/_bulk' && !existsSync(secretFile) ? { status: 500 } : undefined);
    const started = await startCollector(
      options({
        server: { url: server.url, enrollmentSecretFile: secretFile },
        onNotice: (notice) => {
          notices.push(notice);
          if (notice.code === 'not-enrolled') writeFileSync(secretFile, 'let-me-in\n');
        },
      }),
    );
    if (started.kind !== 'started') throw new Error('not started');
    while (server.documents.size < 40) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    await started.collector.close();
    expect(notices.some(({ code }) => code === 'not-enrolled')).toBe(true);
  });

  it('refuses a recording that is none', async () => {
    const file = join(folder, 'empty.log');
    writeFileSync(file, 'hello\n');
    const started = await startCollector(options({ source: { kind: 'recording', file } }));
    expect(started).toMatchObject({ kind: 'refused', refusal: { kind: 'failed' } });
  });
});

describe('recording', () => {
  it('comes at its own pace, with the times shifted and the records otherwise untouched', () => {
    const file = join(folder, 'x.log');
    const line = (second: number) => `type=USER_CMD msg=audit(${1000 + second}.250:${second}): pid=1 cmd=ls\n`;
    writeFileSync(file, `# a note\n${line(0)}garbage\n${line(4)}`);
    let nowMs = 5_000_000;
    const opened = openRecordingSource({ file, speed: 2, now: () => nowMs });
    if (opened.kind !== 'open') throw new Error('not open');
    const texts: string[] = [];
    const drain = () => opened.source.drain((record) => texts.push(record.text));
    expect(drain()).toMatchObject({ records: 1, unreadable: 1 });
    nowMs += 1_999;
    expect(drain().records).toBe(0);
    expect(opened.source.isEnded()).toBe(false);
    nowMs += 1;
    drain();
    expect(texts).toEqual(['audit(5000.000:0): pid=1 cmd=ls', 'audit(5002.000:4): pid=1 cmd=ls']);
    expect(opened.source.isEnded()).toBe(true);
  });
});

describe('state files', () => {
  it('are read back, and taken for missing when they are torn, foreign or of another version', () => {
    const path = join(folder, 'x.json');
    replaceFile(path, '{"formatVersion":1,"a":2}', true);
    expect(readState(path, 1)).toEqual({ formatVersion: 1, a: 2 });
    expect(readState(path, 2)).toBeUndefined();
    for (const text of ['', '{"formatVersion":1', '[]', 'null']) {
      writeFileSync(path, text);
      expect(readState(path, 1)).toBeUndefined();
    }
    expect(existsSync(`${path}.new`)).toBe(false);
  });

  it('of a newer release are refused, not overwritten', () => {
    for (const name of ['ship.json', 'reader.json']) {
      writeFileSync(join(folder, name), '{"formatVersion":2}');
      expect(() => (name === 'ship.json' ? loadShipState : loadReaderState)(folder)).toThrow(`${name} has format 2`);
    }
    const path = join(folder, 'kernel.json');
    writeFileSync(path, '{"formatVersion":2}');
    expect(() => readState(path, 1)).toThrow('kernel.json has format 2, and this version of Vedette reads format 1');
  });

  it('of the two sides start from nothing when there is nothing, or nonsense', () => {
    expect(loadShipState(folder)).toEqual({ deliveredPosition: 0, losses: [] });
    expect(loadReaderState(folder)).toBeUndefined();
    writeFileSync(join(folder, 'ship.json'), '{"formatVersion":1,"deliveredPosition":-5,"losses":[{"a":1}]}');
    expect(loadShipState(folder)).toEqual({ deliveredPosition: 0, losses: [] });
  });

  it('keep losses that wait, and add up what is beyond their limit', () => {
    const loss = { source: 'server', kind: 'rejected', counter: 1, atLeast: 1, atMost: 1, fromMs: 1, toMs: 2 } as const;
    const many = Array.from({ length: 400 }, (_, index) => ({
      ...loss,
      counter: index,
      reason: 'x',
      isPlanned: false,
    }));
    const kept = withLosses([], many);
    expect(kept.length).toBe(256);
    expect(kept.reduce((sum, { atLeast }) => sum + atLeast, 0)).toBe(400);
    saveShipState(folder, { deliveredPosition: 7, losses: kept });
    expect(loadShipState(folder)).toEqual({ deliveredPosition: 7, losses: kept });
  });

  it('keep rejected events, within a bound', () => {
    const lines = Buffer.alloc(5 * 1024 * 1024, 0x61);
    for (let position = 1; position <= 5; position += 1) {
      setAside(folder, [{ position, status: 400, reason: 'no', lines }], 1000);
    }
    const size = statSync(join(folder, 'rejected.ndjson')).size + statSync(join(folder, 'rejected.1.ndjson')).size;
    expect(size).toBeGreaterThan(lines.length * 4);
    expect(size).toBeLessThan(2 * REJECTED_BYTES_MAX);
  });
});

describe('host id', () => {
  it('is 16 hex digits of a digest, and never changes for a machine', () => {
    expect(hostIdOf('0123456789abcdef0123456789abcdef')).toBe(hostIdOf('0123456789abcdef0123456789abcdef'));
    expect(hostIdOf('x')).toMatch(/^[0-9a-f]{16}$/);
    expect(hostIdOf('x')).toBe('4871bd395095e7ab');
  });
});
