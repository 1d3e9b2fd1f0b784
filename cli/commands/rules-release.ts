// `vedette rules release`
import { visible } from '../../rules/diagnostic.ts';
import type { ReleaseResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, optionValue, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';
import { isoTime } from '../table.ts';

export const rulesRelease: Command = {
  name: 'rules release',
  synopsis: 'RULE',
  description:
    'Ends the quarantine of a rule that cost too much: it is evaluated again from now on, and on the events that it missed. Mend it first, or it is quarantined again. A changed rule needs no release. Needs the admin token.',
  positionals: { least: 1, most: 1 },
  options: {
    by: { value: 'NAME', description: 'Who you are; by default the user that runs this.' },
    ...CLIENT_OPTIONS,
  },
  examples: [['vedette rules release reverse-shell', '`vedette status` shows which are quarantined, and why.']],
  async run(invocation) {
    const client = await openClient(invocation, 'admin');
    if (!client.isOk) return client.failure;
    const { env, stdout } = invocation.context;
    const id = invocation.positionals[0] ?? '';
    const by = optionValue(invocation, 'by') ?? env['SUDO_USER'] ?? env['USER'];
    const answer = await client.value.post<ReleaseResponse>(
      `/api/v1/rules/${encodeURIComponent(id)}/release`,
      by === undefined ? {} : { by },
    );
    if (!answer.isOk) return answer.failure;
    if (invocation.isJson) printJson(invocation, answer.value);
    else {
      for (const { hostId, fromMs, untilMs } of answer.value.released) {
        const whose = hostId === undefined ? '' : ` for host ${hostId}`;
        const missed = `the events from ${isoTime(fromMs)} to ${isoTime(untilMs)}`;
        stdout.write(`${visible(`${id} is released${whose}; it catches up on ${missed}`)}\n`);
      }
    }
    return EXIT.fine;
  },
};
