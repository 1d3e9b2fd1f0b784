// Every recorded sample as the documents that it becomes, against goldens that were read one by one. A golden holds the first
// document of each kind of a sample (action, outcome, type) without what other tests prove: the raw records, host and schema.
// After a wanted change: `vitest run --project unit test/audit/sample-golden.test.ts -u`, and read the difference.
import { describe, expect, it } from 'vitest';
import { createEcsMapper } from '../../audit/ecs.ts';
import type { HostKnowledge } from '../../audit/event.ts';
import { type EventDocument, fieldOf } from '../../event/document.ts';
import { eventsOf, HOST, SAMPLE_NAMES, sampleLines } from './samples.ts';

const USERS = new Map([
  [0, 'root'],
  [4242, 'audittest'],
  [64_242, 'sampler'],
]);
const knowledge: HostKnowledge = {
  userName: (uid) => USERS.get(uid),
  groupName: (gid) => USERS.get(gid),
  userId: (wanted) => [...USERS].find(([, name]) => name === wanted)?.[0],
  lineage: () => undefined,
};

/** Longer texts of a golden are cut: arguments of 20,000 characters are proved elsewhere. */
const TEXT_CHARS_MAX = 400;
/** Longer arrays likewise. */
const VALUES_MAX = 24;

function goldenOf(name: string): string {
  const mapper = createEcsMapper(HOST, knowledge);
  const kinds = new Map<string, string>();
  for (const event of eventsOf(sampleLines(name))) {
    const document = mapper.toDocument(event);
    const kind = [
      'event.action',
      'event.outcome',
      'event.code',
      'event.type',
      'auditd.data.op',
      'tags',
      'vedette.incomplete',
    ]
      .map((field) => JSON.stringify(fieldOf(document, field)))
      .join(' ');
    if (!kinds.has(kind)) kinds.set(kind, JSON.stringify(reviewed(document), shortened, 1));
  }
  return `[\n${[...kinds.values()].join(',\n')}\n]\n`;
}

function reviewed(document: EventDocument): object {
  const { ecs: _ecs, host: _host, event, ...rest } = document as Record<string, unknown> & { event: object };
  const {
    original: _original,
    kind: _kind,
    module: _module,
    dataset: _dataset,
    ...said
  } = event as Record<string, unknown>;
  return { event: said, ...rest };
}

function shortened(_: string, value: unknown): unknown {
  if (typeof value === 'string' && value.length > TEXT_CHARS_MAX)
    return `${value.slice(0, TEXT_CHARS_MAX)}… of ${value.length}`;
  if (Array.isArray(value) && value.length > VALUES_MAX) return [...value.slice(0, VALUES_MAX), `… of ${value.length}`];
  return value;
}

describe('the documents of a sample', () => {
  it.each(SAMPLE_NAMES)('%s are those of its golden', async (name) => {
    await expect(goldenOf(name)).toMatchFileSnapshot(`../data/audit-samples/${name}.golden.json`);
  });
});
