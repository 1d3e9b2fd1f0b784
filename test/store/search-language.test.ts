// The language reference and the cases that every store passes are the same.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { parseQuery } from '../../store/query/parse.ts';
import { CASES_NOW_MS, QUERY_CASES } from '../contract/query-cases.ts';

const PAGE = fileURLToPath(new URL('../../docs/search.md', import.meta.url));

/** The first column of the language's table, as a person types it. */
const [table = ''] = /^\| you write [\s\S]*?\n\n/m.exec(readFileSync(PAGE, 'utf8')) ?? [];
const examples = table.split('\n').flatMap((line) => {
  const cell = /^\| `((?:[^|]|\\\|)+)` \| /.exec(line)?.[1];
  return cell === undefined ? [] : [cell.replaceAll('\\|', '|')];
});

it('the reference has a table', () => {
  expect(examples.length).toBeGreaterThan(20);
});

it.each(examples)('%s of docs/search.md is run on every store', (text) => {
  expect(QUERY_CASES.map(([query]) => query)).toContain(text);
  expect(parseQuery(text, CASES_NOW_MS)).toMatchObject({ ok: true });
});
