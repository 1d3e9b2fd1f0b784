// `vedette hosts quota`

import { parseDuration } from '../../event/duration.ts';
import { visible } from '../../rules/diagnostic.ts';
import type { HostQuotaRequest } from '../../server/api.ts';
import type { Quota } from '../../store/state/state-port.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, type Invocation, optionValue, printJson } from '../command.ts';
import { readBytes } from '../config/value.ts';
import { EXIT, fail, type Outcome, succeed } from '../failure.ts';
import { formatBytes } from '../table.ts';

export const hostsQuota: Command = {
  name: 'hosts quota',
  synopsis: 'ID',
  description:
    'Says how much a host may send, in place of `server.quota` of the configuration; without any option that one holds again. What is more is put off with 429 and `Retry-After`, and counted. Needs the admin token.',
  positionals: { least: 1, most: 1 },
  options: {
    ...CLIENT_OPTIONS,
    'events-per-second': { value: 'NUMBER', description: 'Events a second.' },
    'bytes-per-second': { value: 'SIZE', description: 'Bytes a second after decompression: 512KiB.' },
    burst: { value: 'DURATION', description: 'So many seconds’ worth may come at once; 10s without it.' },
  },
  examples: [
    ['vedette hosts quota web-1 --events-per-second 500 --burst 1m', 'Five hundred a second, thirty thousand at once.'],
    ['vedette hosts quota web-1', 'The configured quota again.'],
  ],
  async run(invocation) {
    const request = requestOf(invocation);
    if (!request.isOk) return request.failure;
    const client = await openClient(invocation, 'admin');
    if (!client.isOk) return client.failure;
    const id = invocation.positionals[0] ?? '';
    const answer = await client.value.post<{ readonly quota: Quota | null }>(
      `/api/v1/hosts/${encodeURIComponent(id)}/quota`,
      request.value,
    );
    if (!answer.isOk) return answer.failure;
    const { quota } = answer.value;
    if (invocation.isJson) printJson(invocation, answer.value);
    else {
      const words = quota === null ? 'the quota of the configuration' : quotaInWords(quota);
      invocation.context.stdout.write(`${visible(id)}: ${words}\n`);
    }
    return EXIT.fine;
  },
};

/** `500 events/s, 1.0 MiB/s` */
export function quotaInWords({ eventsPerSecond, bytesPerSecond, burstS }: Quota): string {
  const parts = [
    eventsPerSecond === undefined ? '' : `${eventsPerSecond} events/s`,
    bytesPerSecond === undefined ? '' : `${formatBytes(bytesPerSecond)}/s`,
    burstS === undefined ? '' : `${burstS} s at once`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function requestOf(invocation: Invocation): Outcome<HostQuotaRequest> {
  const [events, bytes, burst] = ['events-per-second', 'bytes-per-second', 'burst'].map((name) =>
    optionValue(invocation, name),
  );
  const wrong = (message: string, remedy: string) => fail('usage/option', { message, remedy, exitCode: EXIT.usage });
  if (events !== undefined && !/^[1-9][0-9]{0,8}$/.test(events))
    return wrong('--events-per-second is not a whole number', 'Write `--events-per-second 500`.');
  const size = bytes === undefined ? undefined : readBytes(bytes);
  if (bytes !== undefined && size === undefined)
    return wrong('--bytes-per-second is not a size', 'Write `--bytes-per-second 512KiB`.');
  const ms = burst === undefined ? undefined : parseDuration(burst);
  if (burst !== undefined && (ms === undefined || ms < 1_000))
    return wrong('--burst is not a duration of a second or more', 'Write `--burst 10s`.');
  if (burst !== undefined && events === undefined && bytes === undefined)
    return wrong('--burst alone limits nothing', 'Give `--events-per-second` or `--bytes-per-second` with it.');
  return succeed({
    ...(events === undefined ? {} : { events_per_second: Number(events) }),
    ...(size === undefined ? {} : { bytes_per_second: size }),
    ...(ms === undefined ? {} : { burst_s: Math.floor(ms / 1_000) }),
  });
}
