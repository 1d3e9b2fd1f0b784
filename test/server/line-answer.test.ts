// Answers in lines that fail: who asked gets a last line that says so, and the operator what went wrong.
import { afterEach, expect, it } from 'vitest';
import { busy } from '../../server/api-error.ts';
import { createHttp } from '../../server/http.ts';
import { answerInLines } from '../../server/line-answer.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** What a route answers that writes a line and then throws, and what its failure hook was told. */
async function answered(error: unknown, signal = new AbortController().signal) {
  const told: unknown[] = [];
  const { app } = createHttp({
    accounts: { get: () => undefined } as never,
    onFailure: (failure, route) => told.push([failure, route]),
  });
  ends.push(() => app.close());
  app.post('/lines', (_request, reply) =>
    answerInLines(reply, { signal, failureOf: (thrown) => thrown }, async (lines) => {
      await lines.write({ event: 1 });
      throw error;
    }),
  );
  const { body } = await app.inject({ method: 'POST', url: '/lines' });
  return {
    told,
    lines: body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  };
}

it('what nobody foresaw is told to the operator, and to who asked only that it happened', async () => {
  const error = new Error('the disk said no');
  const { told, lines } = await answered(error);
  expect(told).toEqual([[error, 'POST /lines']]);
  expect(lines[0]).toEqual({ event: 1 });
  expect(lines[1].error.code).toBe('internal');
  expect(JSON.stringify(lines)).not.toContain('disk');
});

it('what is foreseen is told to who asked alone', async () => {
  const { told, lines } = await answered(busy(503, 'store-closed', 'the store cannot be read now'));
  expect(told).toEqual([]);
  expect(lines[1].error.code).toBe('store-closed');
});

it('that who asked has gone is no failure', async () => {
  const gone = new AbortController();
  gone.abort(new Error('gone'));
  expect((await answered(new Error('never thrown'), gone.signal)).told).toEqual([]);
});
