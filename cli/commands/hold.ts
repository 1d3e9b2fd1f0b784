// `vedette hold add`, `hold list` and `hold release`: ranges that retention may not touch.
import { visible } from '../../rules/diagnostic.ts';
import type { HoldApiRecord, HoldRequest, HoldsResponse, SearchApiResponse } from '../../server/api.ts';
import { CLIENT_OPTIONS, type Client, openClient } from '../client.ts';
import { type Command, type Invocation, type OptionTable, optionValue, printJson } from '../command.ts';
import { EXIT, fail } from '../failure.ts';
import { counted, isoTime, renderTable } from '../table.ts';
import { RANGE_OPTIONS, readRange } from '../time-range.ts';

const WHO_OPTIONS = {
  reason: { value: 'TEXT', description: 'Why; a case number, the name of who asked for it.' },
  by: { value: 'NAME', description: 'Who you are; by default the user that runs this.' },
} as const satisfies OptionTable;

const COLUMNS = [
  { title: 'ID' },
  { title: 'FROM (UTC)' },
  { title: 'UNTIL (UTC)' },
  { title: 'HOST', widthMax: 32 },
  { title: 'STATE' },
  { title: 'BY', widthMax: 32 },
  { title: 'REASON' },
] as const;

export const holdAdd: Command = {
  name: 'hold add',
  synopsis: '',
  description:
    'Keeps the events of a range, whatever retention says of their age, of the store’s size or of the disk’s room. A partition with one such event is kept whole. Needs the admin token.',
  positionals: { least: 0, most: 0 },
  options: {
    from: { value: 'TIME', description: RANGE_OPTIONS.since.description },
    until: RANGE_OPTIONS.until,
    host: { value: 'HOST', description: 'Only events of this host, by id or name.' },
    ...WHO_OPTIONS,
    ...CLIENT_OPTIONS,
  },
  examples: [
    ['vedette hold add --from 7d --reason "case 4711"', 'Everything of the last week, up to now.'],
    [
      'vedette hold add --from 2026-05-01 --until 2026-05-03 --host web-1 --reason "case 4711"',
      'Two days of one host.',
    ],
  ],
  async run(invocation) {
    const from = optionValue(invocation, 'from');
    const reason = optionValue(invocation, 'reason')?.trim() ?? '';
    if (from === undefined || reason === '') {
      const message = from === undefined ? '--from is missing' : '--reason is missing';
      const remedy = 'A hold needs a range and a reason: --from TIME --reason TEXT.';
      return fail('cli/usage', { message, remedy, exitCode: EXIT.usage }).failure;
    }
    const range = readRange({ ...invocation, options: new Map(invocation.options).set('since', from) }, from);
    if (!range.isOk) return range.failure;
    const client = await openClient(invocation, 'admin');
    if (!client.isOk) return client.failure;
    const host = optionValue(invocation, 'host');
    const by = byOf(invocation);
    const request: HoldRequest = {
      fromMs: range.value.sinceMs,
      untilMs: range.value.untilMs ?? invocation.context.now(),
      reason,
      ...(host === undefined ? {} : { host }),
      ...(by === undefined ? {} : { by }),
    };
    const answer = await client.value.post<HoldApiRecord>('/api/v1/holds', request);
    if (!answer.isOk) return answer.failure;
    if (invocation.isJson) printJson(invocation, answer.value);
    else invocation.context.stdout.write(`${answer.value.id} holds ${rangeOf(answer.value)}\n`);
    await tellHeld(invocation, client.value, answer.value);
    return EXIT.fine;
  },
};

export const holdList: Command = {
  name: 'hold list',
  synopsis: '',
  description: 'Lists every hold that ever was, with who put it there, who released it, when and why.',
  positionals: { least: 0, most: 0 },
  options: { ...CLIENT_OPTIONS },
  examples: [['vedette hold list', 'Those in force and those released.']],
  async run(invocation) {
    const client = await openClient(invocation, 'reader');
    if (!client.isOk) return client.failure;
    const answer = await client.value.get<HoldsResponse>('/api/v1/holds');
    if (!answer.isOk) return answer.failure;
    if (invocation.isJson) {
      printJson(invocation, answer.value);
      return EXIT.fine;
    }
    const { stdout, stderr } = invocation.context;
    const rows = answer.value.holds.map((hold) => [
      hold.id,
      isoTime(hold.fromMs),
      isoTime(hold.untilMs),
      hold.hostId ?? 'all',
      hold.released === undefined ? 'in force' : `released ${isoTime(hold.released.atMs)}`,
      hold.released?.by ?? hold.addedBy,
      hold.released === undefined || hold.released.why === '' ? hold.reason : hold.released.why,
    ]);
    if (rows.length > 0) stdout.write(renderTable(COLUMNS, rows, stdout.columns));
    stderr.write(`${counted(rows.length, 'hold')}\n`);
    return EXIT.fine;
  },
};

export const holdRelease: Command = {
  name: 'hold release',
  synopsis: 'ID',
  description:
    'Releases a hold: retention may drop its events again, as soon as tonight. The hold stays on record. Needs the admin token.',
  positionals: { least: 1, most: 1 },
  options: { ...WHO_OPTIONS, ...CLIENT_OPTIONS },
  examples: [
    ['vedette hold release hold-1 --reason "case closed"', 'The id is the one that `vedette hold list` shows.'],
  ],
  async run(invocation) {
    const client = await openClient(invocation, 'admin');
    if (!client.isOk) return client.failure;
    const id = invocation.positionals[0] ?? '';
    const [reason, by] = [optionValue(invocation, 'reason'), byOf(invocation)];
    const answer = await client.value.post<HoldApiRecord>(`/api/v1/holds/${encodeURIComponent(id)}/release`, {
      ...(reason === undefined ? {} : { reason }),
      ...(by === undefined ? {} : { by }),
    });
    if (!answer.isOk) return answer.failure;
    if (invocation.isJson) printJson(invocation, answer.value);
    else invocation.context.stdout.write(`${visible(id)} is released: ${rangeOf(answer.value)}\n`);
    return EXIT.fine;
  },
};

/** A hold on nothing is mostly a slip in the host's name, and found out when the events are gone. */
async function tellHeld({ context }: Invocation, client: Client, hold: HoldApiRecord): Promise<void> {
  const { fromMs: sinceMs, untilMs, hostId } = hold;
  const query = hostId === undefined ? '*' : `host.id:${JSON.stringify(hostId)}`;
  const found = await client.post<SearchApiResponse>('/api/v1/search', { query, sinceMs, untilMs, limit: 1 });
  // The hold stands, whether or not its events can be counted now.
  if (!found.isOk) return;
  const { total, isTotalExact } = found.value;
  if (total > 0) context.stderr.write(`${isTotalExact ? '' : 'at least '}${counted(total, 'event')} in it now\n`);
  else
    context.stderr.write(
      `vedette: no event is in it now. \`vedette hosts\` shows ids and names; of imports, \`vedette search '*' --since 30d --count-by host.id,host.name\`.\n`,
    );
}

/** Who runs this: said, not proven; the server notes the token's account beside it. */
function byOf(invocation: Invocation): string | undefined {
  const { env } = invocation.context;
  return optionValue(invocation, 'by') ?? env['SUDO_USER'] ?? env['USER'];
}

function rangeOf({ fromMs, untilMs, hostId }: HoldApiRecord): string {
  const range = `${isoTime(fromMs)} to ${isoTime(untilMs)}`;
  return hostId === undefined ? range : `${range} of ${visible(hostId)}`;
}
