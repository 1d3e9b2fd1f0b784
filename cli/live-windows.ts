// The live windows of a rule, as the server that evaluates it has them: how far each is at this moment, for `vedette explain`.
import { visible } from '../rules/diagnostic.ts';
import type { Rule } from '../rules/rule.ts';
import type { LiveWindowsResponse } from '../server/api.ts';
import type { Client } from './client.ts';
import { type Invocation, printJson } from './command.ts';
import { counted, isoTime } from './table.ts';

/** Undefined where the server cannot say: it does not evaluate the rule, or no live window is asked for. */
export async function askLiveWindows(
  client: Client,
  rule: Rule,
  key: readonly string[] | undefined,
): Promise<LiveWindowsResponse | undefined> {
  const wanted = key === undefined ? '' : `?key=${encodeURIComponent(JSON.stringify(key))}`;
  const answer = await client.get<LiveWindowsResponse>(`/api/v1/rules/${encodeURIComponent(rule.id)}/windows${wanted}`);
  return answer.isOk && answer.value.keys.length > 0 ? answer.value : undefined;
}

export function printLiveWindows(invocation: Invocation, rule: Rule, live: LiveWindowsResponse): void {
  const { keys, keysTotal, atMs } = live;
  if (invocation.isJson) {
    printJson(invocation, { rule: { id: rule.id, version: rule.version }, isLive: true, atMs, keys, keysTotal });
    return;
  }
  const { stdout, stderr } = invocation.context;
  for (const { key, lastMs, standing, eventIds } of keys) {
    stdout.write(`\n${visible(`key ${key}: last match ${isoTime(lastMs)}`)}\n`);
    for (const line of standing) stdout.write(`  ${visible(line)}\n`);
    if (eventIds.length > 0) stdout.write(`  ${visible(`events: ${eventIds.slice(-5).join(', ')}`)}\n`);
  }
  if (keysTotal > keys.length) stdout.write(`\n${counted(keysTotal - keys.length, 'further key')}\n`);
  const [first] = keys;
  if (first !== undefined && first.ruleVersion !== rule.version)
    stderr.write('the server evaluates another version of this rule\n');
  stderr.write(`live, as of the events up to ${isoTime(atMs)}; --since asks the stored events instead\n`);
}
