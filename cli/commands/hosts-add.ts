// `vedette hosts add`
import type { AddHostRequest, EnrollResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, isGiven, optionValue, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';

export const hostsAdd: Command = {
  name: 'hosts add',
  synopsis: 'NAME',
  description:
    'Makes a token for a host whose events another program ships (rsyslog, Filebeat, Vector, Fluent Bit), and prints it: it is shown this once. What comes with it is stored under this host. A collector needs none: it enrols by itself. Needs the admin token.',
  positionals: { least: 1, most: 1 },
  options: {
    ...CLIENT_OPTIONS,
    id: {
      value: 'ID',
      description: 'The `host.id` of its events; without it, the name. Beats write the host’s machine-id.',
    },
    'new-token': { description: 'For a host that has a token: a new one; the former one ends.' },
  },
  examples: [
    ['vedette hosts add web-1', 'A token for the host web-1.'],
    ['vedette hosts add web-1 --id 5f2c8a0e9d7b4c31a6e0f1d2c3b4a596', 'With the id that its Filebeat writes.'],
  ],
  async run(invocation) {
    const client = await openClient(invocation, 'admin');
    if (!client.isOk) return client.failure;
    const id = optionValue(invocation, 'id');
    const request: AddHostRequest = {
      name: invocation.positionals[0] ?? '',
      ...(id === undefined ? {} : { id }),
      ...(isGiven(invocation, 'new-token') ? { replace_token: true } : {}),
    };
    const answer = await client.value.post<EnrollResponse>('/api/v1/hosts', request);
    if (!answer.isOk) return answer.failure;
    const { host_id: hostId, token } = answer.value;
    if (invocation.isJson) printJson(invocation, { host_id: hostId, token });
    else {
      // The token alone on stdout, so that it can go into a file.
      invocation.context.stdout.write(`${token}\n`);
      invocation.context.stderr.write(`the token of ${hostId}; it is not shown again\n`);
    }
    return EXIT.fine;
  },
};
