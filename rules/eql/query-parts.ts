// An EQL query as the parts of a rule that it becomes: a condition on one event, a sequence, or a combination.
import { formatDuration } from '../../event/duration.ts';
import { foreignField, isThere } from '../elastalert/field-conditions.ts';
import { allOf, type Written } from '../foreign/expression-writer.ts';
import type { PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import { writeEvent } from './condition.ts';
import type { JoinKey, Query, Step } from './syntax.ts';
import type { Writing } from './writing.ts';

const DAY_MS = 86_400_000;
/** The longest window of our rules, and the most steps. */
const WITHIN_MAX_MS: number = 30 * DAY_MS;
const STEPS_MAX = 16;
const ALWAYS: Written = allOf([]);

export interface QueryParts {
  /** `match`; with `by` `sequence` or `combination`. */
  readonly rule: PlainRule;
  /** Offsets in the query, by the dotted path of the part. */
  readonly places: ReadonlyMap<string, number>;
}

/** `lookbackMs`: how far back a search of the rule looks, of a sequence without `maxspan`. */
export function queryParts(query: Query, writing: Writing, lookbackMs: number | undefined): QueryParts {
  if (query.kind === 'event') {
    const match = writeEvent(query.event, writing);
    if (match.text === 'false') neverTrue(writing, query.event.at);
    return { rule: { match: match.text }, places: new Map([['match', query.event.condition.at]]) };
  }
  return sequenceParts(query, writing, lookbackMs);
}

function neverTrue(writing: Writing, at: number): void {
  // What could not be said stands there as false.
  if (writing.part(at).notes.hasProblem) return;
  writing.refuse(
    at,
    'no event can match this',
    'Comparisons with null are true of nothing, but `== null` and `!= null`.',
  );
}

function sequenceParts(
  { kind, at, by, maxspanMs, steps, until }: Exclude<Query, { kind: 'event' }>,
  writing: Writing,
  lookbackMs: number | undefined,
): QueryParts {
  const written = steps.flatMap((step) => Array.from({ length: step.runs }, () => step));
  checkSteps(written, writing, at);
  const keys = written.map((step) => [...by, ...step.by]);
  const [first = []] = keys;
  const uneven = written.find((_, index) => keys[index]?.length !== first.length);
  if (uneven !== undefined) {
    writing.refuse(
      uneven.at,
      'this step is joined by another number of fields',
      'Give every step as many `by` fields.',
    );
  }
  const isJoined = keys.some((own) => own.some(({ field }, place) => field !== first[place]?.field));
  const word = kind === 'sample' ? 'combination' : 'sequence';
  const places = new Map<string, number>([[word, at]]);
  const plain = written.slice(0, STEPS_MAX).map((step, index): PlainValue => {
    const own = keys[index] ?? [];
    tellJoins(own, isJoined, first, keys, writing);
    const match = allOf([writeEvent(step.event, writing), ...(isJoined ? presence(own, writing) : [])]);
    if (match.text === 'false') neverTrue(writing, step.at);
    const key = step.isMissing ? 'absent' : 'match';
    places.set(`${word}.steps.${index}`, step.at);
    places.set(`${word}.steps.${index}.${key}`, step.event.condition.at);
    return { [key]: match.text, ...(isJoined && index > 0 ? { by: own.map(({ field }) => field) } : {}) };
  });
  // What all steps are joined by is said once.
  const common = isJoined ? ALWAYS : allOf(presence(first, writing));
  const untilText = until === undefined ? undefined : writeUntil(until, by, first, writing);
  if (until !== undefined) places.set('sequence.until', until.event.condition.at);
  if (kind === 'sample') tellSample(at, lookbackMs, writing);
  const withinMs = spanOf(maxspanMs ?? lookbackMs, maxspanMs !== undefined, at, writing);
  return {
    rule: {
      ...(common.text === ALWAYS.text ? {} : { match: common.text }),
      ...(first.length === 0 ? {} : { by: first.map(({ field }) => field) }),
      [word]: {
        within: formatDuration(withinMs),
        steps: plain,
        ...(untilText === undefined ? {} : { until: untilText }),
      },
    },
    places,
  };
}

function checkSteps(steps: readonly Step[], writing: Writing, at: number): void {
  if (steps.length > STEPS_MAX) {
    const message = `${steps.length} steps, \`runs\` counted, are more than ${STEPS_MAX}`;
    writing.refuse(at, message, 'Write a rule with `threshold` for what is merely counted (docs/rules.md).');
  }
  const [first] = steps;
  if (first?.isMissing === true) {
    writing.refuse(first.at, 'a sequence here cannot begin with what did not come', 'Begin it with an event.');
  }
}

/** Keys that are not optional must be there. */
function presence(keys: readonly JoinKey[], writing: Writing): readonly Written[] {
  return keys.flatMap(({ field: name, isOptional, at }) => {
    const field = foreignField(writing.part(at), name);
    if (field === undefined) return [];
    writing.fields.add(field.name);
    return isOptional ? [] : [isThere(field)];
  });
}

function tellJoins(
  own: readonly JoinKey[],
  isJoined: boolean,
  first: readonly JoinKey[],
  keys: readonly (readonly JoinKey[])[],
  writing: Writing,
): void {
  for (const [place, { isOptional, field, at }] of own.entries()) {
    const differs = keys.some((others) => others[place]?.field !== first[place]?.field);
    if (isJoined && differs && isOptional) {
      const message = `\`?${field}\` is compared with another field: where one of the two is missing, it joins nothing`;
      writing.remark(at, message, 'Nothing is to be done where the fields are there.');
    }
  }
}

function writeUntil(until: Step, by: readonly JoinKey[], first: readonly JoinKey[], writing: Writing): string {
  const own = [...by, ...until.by];
  const other = own.find(({ field }, place) => field !== first[place]?.field);
  if (other !== undefined || own.length !== first.length) {
    const remedy = 'Join `until` by the fields of the first step.';
    writing.refuse((other ?? until).at, '`until` is joined by other fields than the first step', remedy);
  }
  const match = writeEvent(until.event, writing);
  if (match.text === 'false') neverTrue(writing, until.at);
  return match.text;
}

function tellSample(at: number, lookbackMs: number | undefined, writing: Writing): void {
  if (lookbackMs === undefined) {
    const remedy = 'Write a rule with `combination` and a `within` (docs/rules.md).';
    writing.refuse(at, '`sample` looks for events of a key in any order and without a span, however far apart', remedy);
  }
  writing.remark(
    at,
    'an event of a sample may be of several of its sorts here',
    'Nothing is to be done where they exclude each other.',
  );
}

function spanOf(givenMs: number | undefined, isMaxspan: boolean, at: number, writing: Writing): number {
  if (givenMs === 0) {
    writing.refuse(at, 'a span of nothing holds no two events', 'Write `with maxspan=1s` or longer.');
    return 1;
  }
  const withinMs = Math.min(givenMs ?? WITHIN_MAX_MS, WITHIN_MAX_MS);
  if (!isMaxspan) {
    const message = `without \`maxspan\` it may take ${formatDuration(withinMs)}, which is ${givenMs === undefined ? 'the longest here' : 'how far its search looked back'}`;
    writing.remark(at, message, 'Shorten `within` (in a sequence `with maxspan=…`) where that is meant.');
  } else if (withinMs !== givenMs) {
    writing.refuse(at, 'a sequence takes 30 days at most', 'Write a shorter `maxspan`.');
  }
  return withinMs;
}
