// What became of each document of an import, for people: a table of all with what is to be said of each, what runs first, and the counts.
import { basename } from 'node:path';
import { visible } from '../../rules/diagnostic.ts';
import { type ImportedRule, type ImportStatus, STATUSES } from '../../rules/foreign/imported-rules.ts';
import { neededFields } from '../../rules/needed-fields.ts';
import { counted, renderTable } from '../table.ts';

/** A file or a pipe has room for names of files and titles. */
const PIPE_WIDTH = 200;

const COLUMNS = [{ title: 'STATUS' }, { title: 'FROM' }, { title: 'RULE' }] as const;

const STATUS_WORDS: Readonly<Record<ImportStatus, string>> = {
  runs: 'runs',
  remarks: 'runs with remarks',
  'no-source': 'source not collected',
  part: 'in correlations only',
  filter: 'filter, in its rules',
  refused: 'not expressible',
};

export function reportTable(
  rules: readonly ImportedRule[],
  unseen: ReadonlySet<string> | undefined,
  width: number,
): string {
  const sorted = rules.toSorted((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status));
  const rows = sorted.map(({ entry, status, diagnostics }) => [
    status === 'filter' && diagnostics.length > 0 ? 'filter with remarks' : STATUS_WORDS[status],
    `${basename(entry.file)}:${entry.line}`,
    entry.title,
  ]);
  if (rows.length === 0) return '';
  const [head, ...lines] = renderTable(COLUMNS, rows, width || PIPE_WIDTH)
    .trimEnd()
    .split('\n');
  const shown = lines.flatMap((line, at) => {
    const imported = sorted[at];
    const remark = imported === undefined ? '' : remarkOf(imported, unseen);
    return remark === '' ? [line] : [line, `    ${visible(remark)}`];
  });
  return `${[head, ...shown].join('\n')}\n`;
}

/** The fields that the rule needs and no event has had. */
export function unseenOf({ rule }: ImportedRule, unseen: ReadonlySet<string> | undefined): readonly string[] {
  return rule === undefined || unseen === undefined ? [] : [...neededFields(rule)].filter((field) => unseen.has(field));
}

/** What matters most comes first. */
function remarkOf(imported: ImportedRule, unseen: ReadonlySet<string> | undefined): string {
  const { diagnostics, entry } = imported;
  const fields = unseenOf(imported, unseen);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const told = errors.length > 0 ? errors : diagnostics;
  const never = fields.length === 0 ? [] : [`never seen: ${fields.join(', ')}`];
  const isTold = told.some(({ message }) => message === entry.uncollected);
  const source = entry.uncollected === undefined || isTold ? [] : [entry.uncollected];
  const shown = told.map(({ line, column, message }) => (line === 0 ? message : `${line}:${column} ${message}`));
  return [...new Set([...never, ...source, ...shown])].join('; ');
}

/** `118 documents: 90 run, 3 not expressible`. */
export function summaryLine(rules: readonly ImportedRule[], unseen: ReadonlySet<string> | undefined): string {
  const counts = STATUSES.map((status) => [status, rules.filter((one) => one.status === status).length] as const);
  const parts = counts.filter(([, count]) => count > 0).map(([status, count]) => countPhrase(status, count));
  const never = rules.filter((one) => unseenOf(one, unseen).length > 0).length;
  const told = never === 0 ? '' : `; ${never} of them ${never === 1 ? 'needs' : 'need'} fields that no event has had`;
  return `${counted(rules.length, 'document')}${parts.length === 0 ? '' : `: ${visible(parts.join(', '))}`}${told}`;
}

function countPhrase(status: ImportStatus, count: number): string {
  return status === 'filter' ? counted(count, 'filter') : `${count} ${SHORT_WORDS[status]}`;
}

const SHORT_WORDS: Readonly<Record<Exclude<ImportStatus, 'filter'>, string>> = {
  runs: 'run',
  remarks: 'run with remarks',
  'no-source': 'of sources that are not collected',
  part: 'in correlations only',
  refused: 'not expressible',
};
