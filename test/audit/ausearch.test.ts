// Debian's own decoder as a second opinion: what `ausearch --interpret` says of our recorded events, field by field, our documents say
// too. Skipped, saying so, where auditd's tools are not installed.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import { type EventDocument, fieldOf } from '../../event/document.ts';
import { HOST, SAMPLE_NAMES, sampleEvents } from './samples.ts';

const AUSEARCH = '/usr/sbin/ausearch';
const reason = existsSync(AUSEARCH) ? '' : ' (skipped: ausearch is not installed)';
const mapper = createEcsMapper(HOST);

/** Lines of its output as serial, record type and text. */
function interpreted(name: string): readonly (readonly [serial: number, type: string, text: string])[] {
  const file = fileURLToPath(new URL(`../data/audit-samples/${name}.log`, import.meta.url));
  const text = execFileSync(AUSEARCH, ['--interpret', '-if', file], {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return [...text.matchAll(/^(?:node=\S+ )?type=(\S+) msg=audit\([^)]*:(\d+)\) : (.*)$/gm)].map(
    ([, type = '', serial, rest = '']) => [Number(serial), type, rest],
  );
}

/** What it says of a record, by our field; its spelling made ours. */
const FIELDS: Readonly<
  Record<string, readonly (readonly [pattern: RegExp, field: string, ours?: (said: string) => unknown])[]>
> = {
  SYSCALL: [
    [/ syscall=([a-z]\w+) /, 'auditd.data.syscall'],
    [/ exit=(E[A-Z0-9]+)\(/, 'event.reason'],
    [/^arch=(\w+)/, 'auditd.data.arch'],
    [/ pid=(\d+)/, 'process.pid', Number],
    [/ ppid=(\d+)/, 'process.parent.pid', Number],
    [/ comm=([\w./-]+) exe=/, 'process.name'],
    [/ exe=(\/[\w./-]+) /, 'process.executable'],
    [/ success=(yes|no)/, 'event.outcome', (said) => (said === 'yes' ? 'success' : 'failure')],
  ],
  EXECVE: [[/ argc=(\d+)|^argc=(\d+)/, 'process.args_count', Number]],
  SOCKADDR: [
    [/ laddr=([0-9a-f:.]+) /, 'auditd.data.socket.addr'],
    [/ lport=(\d+)/, 'auditd.data.socket.port'],
  ],
  CWD: [[/^cwd=(\/[\w./-]*) $/, 'process.working_directory']],
  TTY: [[/ major=(\d+)/, 'auditd.data.major']],
  SECCOMP: [
    // It does not tell the end of a thread from that of a process.
    [/ code=(\w+)/, 'auditd.data.seccomp_action', (said) => (said === 'kill' ? 'kill_process' : said)],
  ],
  ANOM_ABEND: [[/ sig=(SIG[A-Z]+)/, 'auditd.data.sig']],
};

/** Where it cannot know: its tables are older than these samples, and each machine's own architecture decides. */
const isUnknown = (said: string): boolean => said.startsWith('unknown');

describe(`what ausearch says${reason}`, () => {
  let compared = 0;

  it.skipIf(reason !== '').each(SAMPLE_NAMES)('of %s, our documents say', (name) => {
    const documents = new Map<number, EventDocument[]>();
    for (const event of sampleEvents(name)) {
      const known = documents.get(event.serial) ?? [];
      known.push(mapper.toDocument(event));
      documents.set(event.serial, known);
    }
    const differences: unknown[] = [];
    for (const [serial, type, text] of interpreted(name)) {
      for (const [pattern, field, ours = String] of FIELDS[type] ?? []) {
        const match = pattern.exec(text);
        const said = match?.[1] ?? match?.[2];
        if (said === undefined || isUnknown(said)) continue;
        compared++;
        // A call may succeed whose request is refused (CONFIG_CHANGE): then the request's result is the event's.
        const told = (documents.get(serial) ?? [])
          .filter((document) => field !== 'event.outcome' || fieldOf(document, 'auditd.message_type') === 'syscall')
          .map((document) => fieldOf(document, field));
        if (told.length === 0 && field === 'event.outcome') continue;
        if (!told.includes(ours(said) as never)) differences.push({ serial, type, field, said, told });
      }
    }
    expect(differences).toEqual([]);
  });

  it.skipIf(reason !== '')('is compared at all', () => {
    expect(compared).toBeGreaterThan(1000);
  });
});
