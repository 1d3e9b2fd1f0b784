// What is answered for what was thrown.
import { errors } from '@elastic/elasticsearch';
import { describe, expect, it } from 'vitest';
import { problemOf } from '../../server/api-error.ts';

describe('the answer to what was thrown', () => {
  it('says what Fastify says of a request', () => {
    expect(problemOf(Object.assign(new Error('x'), { statusCode: 400 }))).toMatchObject({
      status: 400,
      code: 'bad-request',
    });
    expect(problemOf(Object.assign(new Error('x'), { statusCode: 413 }))).toMatchObject({ code: 'too-large' });
  });

  it.each([400, 403, 413])('blames no request for Elasticsearch’s answer %d to one of our own', (statusCode) => {
    const answer = { statusCode, body: {}, headers: {}, warnings: null, meta: {} } as unknown as ConstructorParameters<
      typeof errors.ResponseError
    >[0];
    const error = new errors.ResponseError(answer);
    expect(error.statusCode).toBe(statusCode);
    expect(problemOf(error)).toMatchObject({ status: 500, code: 'internal' });
  });

  it.each([undefined, null, 'text', new Error('x')])('tells no more of what nobody foresaw: %s', (thrown) => {
    expect(problemOf(thrown)).toMatchObject({ status: 500, code: 'internal', message: 'the server failed' });
  });
});
