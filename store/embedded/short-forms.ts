// Values that the rest of their row tells, but for a number or a mark: they would be a quarter of a partition (decision 0052). Each form is
// taken only where it gives the very same text again, and where it is not, the column has the text as it came. The same meaning three
// times: here for strings and as SQL, in row-shortening.ts for bytes.
//
//   _tail             CRC of an id HOST.BOOT.TIME.SERIAL.CRC (event/id.ts), of which `_host`, `_boot`, `_ts` and `event.sequence` tell the rest;
//                     `_id` is NULL then
//   _start.FIELD      START of an entity id HOST.BOOT.PID.START (FIELD is NULL then); of HOST.BOOT.PID.eTIME how long before `_ts`
//                     that is, in ms, as -1 and less
//   event.original    SOH where it has the row's own stamp in brackets: `(SECONDS.MS:SERIAL)` is `(SOH)`; one that has a SOH itself, or
//                     begins with STX, begins with one STX more, and is else as it came

/** What a row tells otherwise. `serial` is `event.sequence`. */
export interface RowFacts {
  readonly host: string;
  readonly boot: string;
  readonly timestampMs: number;
  readonly serial: number | null;
}

/** Fields of entity ids with the fields of their pids. */
export const ENTITY_FIELDS: ReadonlyMap<string, string> = new Map([
  ['process.entity_id', 'process.pid'],
  ['process.parent.entity_id', 'process.parent.pid'],
]);
export const STAMPED_FIELD = 'event.original';
export const SERIAL_FIELD = 'event.sequence';
export const TAIL_COLUMN = '_tail';
export const START_PREFIX = '_start.';

/** As many digits are whole numbers in every double. */
export const DECIMALS_MAX = 15;
export const DIGITS_36_MAX = 10;
export const BOOT_LENGTH = 8;
/** Last digits of a time in base 36, which change within half an hour, and the number above them all. */
const LOW_DIGITS = 4;
const LOW_36: number = 36 ** LOW_DIGITS;
const HEADS_MAX = 4_096;
const SOH = '\u0001';
const STX = '\u0002';

/** The first two parts of ids, final dot included. */
function headText({ host, boot }: RowFacts): string {
  return `${host}.${boot.slice(0, BOOT_LENGTH)}.`;
}

/** The same; undefined where the boot's id is in another form than the kernel's. */
function headOf(facts: RowFacts): string | undefined {
  return /^[0-9a-f]{8}/.test(facts.boot) ? headText(facts) : undefined;
}

export function tailOf(id: string, facts: RowFacts): number | undefined {
  const { timestampMs, serial } = facts;
  const head = headOf(facts);
  if (head === undefined || !id.startsWith(head) || serial === null || serial < 0 || timestampMs < 0) return undefined;
  const before = `${head}${timestampMs.toString(36)}.${serial.toString(36)}.`;
  return id.startsWith(before) ? number36(id.slice(before.length)) : undefined;
}

export function startOf(entityId: string, facts: RowFacts, pid: number | null): number | undefined {
  const head = headOf(facts);
  if (head === undefined || pid === null || pid < 0 || !entityId.startsWith(`${head}${pid}.`)) return undefined;
  const last = entityId.slice(head.length + String(pid).length + 1);
  if (!last.startsWith('e')) return decimal(last);
  const before = facts.timestampMs - (number36(last.slice(1)) ?? Number.POSITIVE_INFINITY);
  return before >= 0 ? -1 - before : undefined;
}

/** Puts ids together again. Most rows are of a few hosts, and of the half hour of the row before. */
export interface IdWriter {
  idOf(facts: RowFacts, tail: number): string;
  entityIdOf(facts: RowFacts, pid: number, start: number): string;
}

export function createIdWriter(): IdWriter {
  const heads = new Map<string, { readonly boot: string; readonly head: string }>();
  let high = 0;
  let highText = '';

  const knownHead = (facts: RowFacts): string => {
    const { host, boot } = facts;
    const known = heads.get(host);
    if (known?.boot === boot) return known.head;
    const head = headText(facts);
    if (heads.size >= HEADS_MAX) heads.clear();
    heads.set(host, { boot, head });
    return head;
  };
  const time36 = (ms: number): string => {
    if (ms < LOW_36) return ms.toString(36);
    const above = Math.floor(ms / LOW_36);
    if (above !== high) [high, highText] = [above, above.toString(36)];
    return highText + (ms - above * LOW_36).toString(36).padStart(LOW_DIGITS, '0');
  };

  return {
    idOf: (facts, tail) =>
      `${knownHead(facts)}${time36(facts.timestampMs)}.${(facts.serial ?? 0).toString(36)}.${tail.toString(36)}`,
    entityIdOf(facts, pid, start) {
      const last = start >= 0 ? start : `e${(facts.timestampMs + start + 1).toString(36)}`;
      return `${knownHead(facts)}${pid}.${last}`;
    },
  };
}

export function stampedOf(original: string, facts: RowFacts): string {
  if (original.includes(SOH) || original.startsWith(STX)) return STX + original;
  return facts.serial === null ? original : original.replaceAll(`(${stampOf(facts)})`, `(${SOH})`);
}

export function originalOf(stamped: string, facts: RowFacts): string {
  if (stamped.startsWith(STX)) return stamped.slice(1);
  return stamped.includes(SOH) ? stamped.replaceAll(SOH, stampOf(facts)) : stamped;
}

/** As auditd and the kernel write it. */
function stampOf({ timestampMs, serial }: RowFacts): string {
  const ms = timestampMs % 1_000;
  return `${(timestampMs - ms) / 1_000}.${String(ms).padStart(3, '0')}:${serial ?? ''}`;
}

function number36(text: string): number | undefined {
  if (!/^(0|[1-9a-z][0-9a-z]{0,9})$/.test(text)) return undefined;
  return Number.parseInt(text, 36);
}

function decimal(text: string): number | undefined {
  return /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : undefined;
}

const HEAD_SQL = `_host, '.', substr(_boot, 1, ${BOOT_LENGTH}), '.'`;
/** Of a number that is less than 0 nothing is asked in the end; but the database may try, and would fail. */
const digits36 = (sql: string): string => `lower(to_base(greatest(${sql}, 0), 36))`;

/** The id of a row that may have a tail. */
export const ID_SQL: string = `CASE WHEN _tail IS NULL THEN _id ELSE concat(${HEAD_SQL}, ${digits36('_ts')}, '.', ${digits36(`"${SERIAL_FIELD}"`)}, '.', ${digits36('_tail')}) END`;

/** True of rows whose ids are among these and of no others. By their tails first, so that few ids are made. `bound` are the ids as SQL. */
export function isIdSql(ids: readonly string[], bound: readonly string[]): string {
  const tails = tailsOf(ids);
  const list = bound.join(', ');
  const whole = `(_tail IS NULL AND _id IN (${list}))`;
  return tails.length === 0 ? whole : `(${whole} OR (_tail IN (${tails.join(', ')}) AND ${ID_SQL} IN (${list})))`;
}

/** The tails that ids may have. */
export function tailsOf(ids: readonly string[]): readonly number[] {
  return ids.flatMap((id) => number36(id.slice(id.lastIndexOf('.') + 1)) ?? []);
}

/** The part of an id that tells its host, where ids are stored whole; and where they may have tails. */
export const ID_HOST_TEXT_SQL = `substr(_id, 1, greatest(strpos(_id, '.') - 1, 0))`;
export const ID_HOST_SQL: string = `CASE WHEN _tail IS NULL THEN ${ID_HOST_TEXT_SQL} ELSE split_part(_host, '.', 1) END`;

/** What a stamped field is. */
export function originalSql(column: string): string {
  const stamp = `concat(_ts // 1000, '.', lpad((_ts % 1000)::VARCHAR, 3, '0'), ':', "${SERIAL_FIELD}")`;
  return `CASE WHEN starts_with(${column}, chr(2)) THEN substr(${column}, 2) ELSE replace(${column}, chr(1), ${stamp}) END`;
}

/** True where a text, folded, stands in what was stamped just where it stands in the original: it cannot reach into a stamp, nor into a mark. */
export function isApartFromStamps(folded: string): boolean {
  return !/[()\u0001\u0002]/.test(folded) && /[^0-9.:]/.test(folded);
}

/** What an entity id's field is, by its own column, the column of its start and that of its pid. */
export function entitySql({ column, start, pid }: { column: string; start: string; pid: string }): string {
  const last = `CASE WHEN ${start} >= 0 THEN ${start}::VARCHAR ELSE concat('e', ${digits36(`_ts + ${start} + 1`)}) END`;
  return `CASE WHEN ${start} IS NULL THEN ${column} ELSE concat(${HEAD_SQL}, ${pid}, '.', ${last}) END`;
}

/** What holds of every row whose entity id, folded, is this: quick, and false of nearly all others. */
export function mayBeEntitySql(
  folded: string,
  { start, pid }: { readonly start: string; readonly pid: string },
): string {
  const parts = folded.split('.');
  const [ofPid, last = ''] = parts.slice(-2);
  const number = parts.length < 4 ? undefined : decimal(ofPid ?? '');
  const ticks = decimal(last);
  const isTime = last.startsWith('e') && number36(last.slice(1)) !== undefined;
  if (number === undefined || (ticks === undefined && !isTime)) return `${start} IS NULL`;
  return `(${start} IS NULL OR (${start} ${ticks === undefined ? '< 0' : `= ${ticks}`} AND ${pid} = ${number}))`;
}
