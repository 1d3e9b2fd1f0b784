// `vedette alerts ack` and `vedette alerts close`: what a person says about alerts.
import type { AlertStatus } from '../../event/detection.ts';
import { visible } from '../../rules/diagnostic.ts';
import type { AlertResponse, AlertStatusRequest } from '../../server/api.ts';
import { CLIENT_OPTIONS, openClient } from '../client.ts';
import { type Command, printJson } from '../command.ts';
import { EXIT } from '../failure.ts';

const IDS_MAX = 100;

function statusCommand(
  verb: string,
  status: AlertStatus,
  words: { readonly description: string; readonly example: string },
): Command {
  return {
    name: `alerts ${verb}`,
    synopsis: 'ID…',
    description: words.description,
    positionals: { least: 1, most: IDS_MAX },
    options: { ...CLIENT_OPTIONS },
    examples: [[`vedette alerts ${verb} ALERT-ID`, words.example]],
    async run(invocation) {
      const client = await openClient(invocation, 'admin');
      if (!client.isOk) return client.failure;
      const request: AlertStatusRequest = { status };
      const done: string[] = [];
      for (const id of invocation.positionals) {
        const path = `/api/v1/alerts/${encodeURIComponent(id)}/status`;
        const answer = await client.value.post<AlertResponse | undefined>(path, request);
        if (!answer.isOk) return answer.failure;
        done.push(id);
        if (!invocation.isJson) invocation.context.stdout.write(`${visible(id)} is ${status}\n`);
      }
      if (invocation.isJson) printJson(invocation, { status, alerts: done });
      return EXIT.fine;
    },
  };
}

export const alertsAck: Command = statusCommand('ack', 'acknowledged', {
  description: 'Marks alerts as acknowledged: somebody is looking. Needs the admin token.',
  example: 'I am looking at it.',
});

export const alertsClose: Command = statusCommand('close', 'closed', {
  description:
    'Closes alerts: nothing more is to be done. What the rule finds later still opens new ones. Needs the admin token.',
  example: 'Done with it.',
});
