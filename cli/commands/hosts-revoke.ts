// `vedette hosts revoke`
import { visible } from '../../rules/diagnostic.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';

export const hostsRevoke: Command = {
  name: 'hosts revoke',
  synopsis: 'ID',
  description:
    'Takes a host’s token away: from then on the server refuses what it sends. What it sent stays. Only an admin can enrol it again. Needs the admin token.',
  positionals: { least: 1, most: 1 },
  options: { ...CLIENT_OPTIONS },
  examples: [['vedette hosts revoke HOST-ID', 'The id is the one that `vedette hosts` shows.']],
  async run(invocation) {
    const client = await openClient(invocation, 'admin');
    if (!client.isOk) return client.failure;
    const id = invocation.positionals[0] ?? '';
    const answer = await client.value.post<unknown>(`/api/v1/hosts/${encodeURIComponent(id)}/revoke`, {});
    if (!answer.isOk) return answer.failure;
    if (invocation.isJson) printJson(invocation, { revoked: id });
    else invocation.context.stdout.write(`${visible(id)} is revoked: its token is refused from now on\n`);
    return EXIT.fine;
  },
};
