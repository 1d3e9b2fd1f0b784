import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createTerminalChannel, terminalText } from '../../alerts/channels/terminal.ts';
import { notificationWith } from './making.ts';

describe('the terminal channel', () => {
  it('writes the block and says so when it is written', async () => {
    const writable = new PassThrough();
    expect(await createTerminalChannel({ writable }).send(notificationWith())).toEqual({ kind: 'sent' });
    expect(String(writable.read())).toBe(terminalText(notificationWith(), false));
  });

  it('a terminal that takes no text does not hold the sender', async () => {
    const writable = new Writable({ write: () => undefined });
    const channel = createTerminalChannel({ writable, timeoutMs: 20 });
    expect(await channel.send(notificationWith())).toEqual({
      kind: 'retryable',
      error: 'the terminal does not take text',
    });
  });

  it('a failing or closed terminal is told as such', async () => {
    const writable = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
    writable.on('error', () => undefined);
    const channel = createTerminalChannel({ writable });
    expect(await channel.send(notificationWith())).toEqual({
      kind: 'retryable',
      error: 'writing to the terminal failed',
    });
    expect(await channel.send(notificationWith())).toEqual({ kind: 'permanent', error: 'the terminal is closed' });
  });
});
