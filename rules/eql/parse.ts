// EQL's text → its tree: event queries, sequences and samples. What a rule cannot be made of (pipes, joins) is told with the reason.
import { visible } from '../diagnostic.ts';
import { type Parser, parserOf, readExpression } from './parse-expression.ts';
import { EqlProblem, type EventQuery, type JoinKey, type Query, type Step } from './syntax.ts';

const RUNS_MAX = 100;
const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Throws an {@link EqlProblem} where the text is no query, or none of one event after another. */
export function parseEql(source: string): Query {
  const parser = parserOf(source);
  const query = readQuery(parser);
  const { at, text, kind } = parser.peek();
  if (text === '|' && kind === 'sign') {
    parser.next();
    const { text: pipe } = parser.next();
    const message = `the pipe \`${visible(pipe)}\` cuts the results of a search, and a rule has none: it looks at each event as it comes`;
    throw new EqlProblem(at, message, 'Leave the pipe out; `alert.suppress` says how often the rule may alert.');
  }
  if (kind !== 'end') throw unexpected(parser);
  return query;
}

function readQuery(parser: Parser): Query {
  const { at, text, kind } = parser.peek();
  const isWhere = parser.peek(1).text === 'where';
  if (kind === 'word' && text === 'sequence' && !isWhere) return readSequence(parser);
  if (kind === 'word' && text === 'sample' && !isWhere) {
    return readSample(parser);
  }
  if (kind === 'word' && text === 'join' && !isWhere) {
    throw new EqlProblem(at, '`join` is no longer part of EQL', 'Write a `sequence`, or a rule with `combination`.');
  }
  return { kind: 'event', event: readEvent(parser) };
}

function readEvent(parser: Parser): EventQuery {
  const { at, text, kind } = parser.next();
  if (kind !== 'word' && kind !== 'text') {
    throw new EqlProblem(at, 'an event category is expected here', 'Write `process where …`, or `any where …`.');
  }
  parser.need('where', 'Write `process where …`, or `any where true`.');
  const condition = readExpression(parser);
  return { at, category: kind === 'word' && text === 'any' ? undefined : text, condition };
}

function readSequence(parser: Parser): Query {
  const { at } = parser.next();
  let by: readonly JoinKey[] = [];
  let maxspanMs: number | undefined;
  for (;;) {
    if (by.length === 0 && parser.take('by')) by = readKeys(parser);
    else if (maxspanMs === undefined && parser.take('with')) maxspanMs = readMaxspan(parser);
    else break;
  }
  const steps: Step[] = [];
  while (parser.peek().text === '[' || parser.peek().text === '!') steps.push(readStep(parser));
  const until = parser.take('until') ? readStep(parser) : undefined;
  if (until !== undefined && (until.isMissing || until.runs > 1)) {
    throw new EqlProblem(until.at, '`until` is one event', 'Write `until [ … ]`.');
  }
  if (steps.reduce((count, { runs }) => count + runs, 0) < 2) {
    throw new EqlProblem(at, 'a sequence has two steps at least', 'Write `sequence [ … ] [ … ]`.');
  }
  return { kind: 'sequence', at, by, maxspanMs, steps, until };
}

function readSample(parser: Parser): Query {
  const { at } = parser.next();
  const by = parser.take('by') ? readKeys(parser) : [];
  const steps: Step[] = [];
  while (parser.peek().text === '[' || parser.peek().text === '!') steps.push(readStep(parser));
  const odd = steps.find(({ isMissing, runs }) => isMissing || runs > 1);
  if (odd !== undefined) {
    throw new EqlProblem(odd.at, 'a sample is of one event of each sort', 'Take `!` and `with runs` out.');
  }
  if (steps.length < 2)
    throw new EqlProblem(at, 'a sample has two sorts of events at least', 'Write `sample by a [ … ] [ … ]`.');
  return { kind: 'sample', at, by, maxspanMs: undefined, steps, until: undefined };
}

function readStep(parser: Parser): Step {
  const { at } = parser.peek();
  const isMissing = parser.take('!');
  parser.need('[', 'Write each step as `[process where …]`.');
  const event = readEvent(parser);
  parser.need(']', 'Close the step with `]`.');
  let by: readonly JoinKey[] = [];
  let runs: number | undefined;
  for (;;) {
    const { text, at: here } = parser.peek();
    if (by.length === 0 && parser.take('by')) by = readKeys(parser);
    else if (runs === undefined && parser.take('with')) runs = readRuns(parser);
    else if (text === 'fork') {
      throw new EqlProblem(here, '`fork` is not supported, by Elasticsearch neither', 'Write the sequences apart.');
    } else break;
  }
  if (isMissing && runs !== undefined) {
    throw new EqlProblem(at, 'a step that must not come has no `runs`', 'Take `with runs` out.');
  }
  return { at, event, by, runs: runs ?? 1, isMissing };
}

function readKeys(parser: Parser): readonly JoinKey[] {
  const keys: JoinKey[] = [];
  do {
    const { at } = parser.peek();
    const isOptional = parser.take('?');
    keys.push({ at, field: parser.field(), isOptional });
  } while (parser.take(','));
  return keys;
}

function readMaxspan(parser: Parser): number {
  parser.need('maxspan', 'Write `with maxspan=5m`.');
  parser.need('=', 'Write `with maxspan=5m`.');
  const { at, text, kind, end } = parser.next();
  const unit = parser.peek();
  const unitMs = unit.kind === 'word' && unit.at === end ? UNITS_MS[unit.text] : undefined;
  if (kind !== 'number' || !/^[0-9]{1,9}$/.test(text) || unitMs === undefined) {
    throw new EqlProblem(at, 'this is no span', 'Write a whole number and ms, s, m, h or d: `maxspan=30s`.');
  }
  parser.next();
  return Number(text) * unitMs;
}

function readRuns(parser: Parser): number {
  parser.need('runs', 'Write `with runs=3`.');
  parser.need('=', 'Write `with runs=3`.');
  const { at, text, kind } = parser.next();
  const runs = kind === 'number' && /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (runs >= 1 && runs <= RUNS_MAX) return runs;
  throw new EqlProblem(at, '`runs` is a whole number from 1 to 100', 'Write `with runs=3`.');
}

function unexpected(parser: Parser): EqlProblem {
  const { at, text } = parser.peek();
  return new EqlProblem(at, `\`${visible(text.slice(0, 40))}\` is not expected here`, 'The query ends before it.');
}
