import { describe, expect, it } from 'vitest';
import { tamperDocument } from '../../collector/own-document.ts';
import { FACT_CHARACTERS_MAX, TAMPERS_WAITING_MAX, type Tamper, tamperQueue } from '../../collector/tamper.ts';

const TAKEN: Tamper = {
  action: 'audit-socket-taken',
  reason: 'Process 12 (auditd) owns the audit socket now.',
  facts: { pid: 12, name: 'auditd', detail: undefined },
};

describe('a tamper document', () => {
  it('says what was done in ECS words, with its facts beside', () => {
    const document = tamperDocument(7, 1_000, TAKEN);
    expect(document).toMatchObject({ kind: 'tamper', counter: 7, timeMs: 1_000, message: TAKEN.reason });
    expect(document.event).toMatchObject({
      kind: 'event',
      dataset: 'vedette.tamper',
      action: 'audit-socket-taken',
      category: ['configuration', 'process'],
      reason: TAKEN.reason,
    });
    expect(JSON.stringify(document.vedette)).toBe('{"tamper":{"pid":12,"name":"auditd"}}');
  });

  it('cuts texts that others had a hand in', () => {
    const name = 'x'.repeat(FACT_CHARACTERS_MAX * 2);
    const { vedette } = tamperDocument(1, 0, { ...TAKEN, facts: { name } });
    expect(vedette['tamper']).toEqual({ name: 'x'.repeat(FACT_CHARACTERS_MAX) });
  });
});

describe('what waits to be told', () => {
  it('is handed on once, in order', () => {
    const queue = tamperQueue();
    queue.add(TAKEN);
    queue.add({ ...TAKEN, action: 'audit-disabled' });
    expect(queue.take().map((tamper) => tamper.action)).toEqual(['audit-socket-taken', 'audit-disabled']);
    expect(queue.take()).toEqual([]);
  });

  it('is bounded, and the last one says how many more there were', () => {
    const queue = tamperQueue();
    for (let index = 0; index < TAMPERS_WAITING_MAX + 5; index += 1) queue.add({ ...TAKEN, facts: { index } });
    const taken = queue.take();
    expect(taken).toHaveLength(TAMPERS_WAITING_MAX);
    expect(taken.at(-1)?.facts).toEqual({ index: TAMPERS_WAITING_MAX - 1, not_told: 5 });
    queue.add(TAKEN);
    expect(queue.take()).toEqual([TAKEN]);
  });
});
