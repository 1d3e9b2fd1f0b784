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

  it('writes one line of JSON for programs, in which nothing moves a cursor', async () => {
    const writable = new PassThrough();
    const notification = notificationWith({ reason: 'first \u009b31m \u202e \n' });
    expect(await createTerminalChannel({ writable, isJson: true }).send(notification)).toEqual({ kind: 'sent' });
    const text = String(writable.read());
    expect(text).toMatch(/^[\x20-\x7e]+\n$/);
    expect(JSON.parse(text)).toEqual({ kind: 'alert', reason: notification.reason, alert: notification.alert });
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
