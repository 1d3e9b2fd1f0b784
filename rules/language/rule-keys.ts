// The keys of a rule and how each is read: the language's vocabulary in one place.
import { SEVERITIES, type Severity } from '../../event/detection.ts';
import { type EventDocument, toNested } from '../../event/document.ts';
import { formatDuration } from '../../event/duration.ts';
import { visible } from '../diagnostic.ts';
import type { Rule } from '../rule.ts';
import { parseSchedule, type Schedule } from '../schedule.ts';
import { type CaseKeys, cases, KIND_READERS, type KindKeys, lateness, offsetOf } from './kind-keys.ts';
import { expression, field, id } from './plain-words.ts';
import {
  date,
  duration,
  integer,
  listOf,
  type MapShape,
  mapOf,
  oneOf,
  type Placed,
  pattern,
  placed,
  plainValue,
  type Reader,
  report,
  shaped,
  text,
} from './readers.ts';

const DAY_MS = 86_400_000;
const url = pattern(/^https?:\/\/[^\s"'<>]{1,1900}$/, 'a web address', 'Write https://….');
const channel = pattern(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
  'a channel’s name',
  'Use the name from the configuration.',
);
export interface SuppressKeys {
  readonly for: number;
  readonly by: readonly Placed<string>[];
  readonly grow: number;
}

export interface GroupKeys {
  readonly for: number;
  readonly schedule: Schedule;
  readonly by: readonly Placed<string>[];
  readonly table: readonly Placed<string>[];
  readonly first: 'wait' | 'send';
}

export interface AlertKeys {
  readonly title: Placed<string>;
  readonly include: readonly Placed<string>[];
  readonly suppress: Partial<SuppressKeys>;
  readonly group: Partial<GroupKeys>;
  readonly to: readonly string[];
  readonly runbook: string;
}

export interface ExceptionKeys {
  readonly match: Placed<string>;
  readonly reason: string;
  readonly owner: string;
  readonly expires: number;
}

export interface TestKeys {
  readonly name: string;
  readonly events: readonly TestEvent[];
  readonly alerts: number;
  /** How many messages they must make. */
  readonly messages?: number;
  /** Time that passes after the last event, ms. */
  readonly progress?: number;
}

export interface TestEvent {
  readonly document: EventDocument;
  /** From the test's start; undefined where the file does not say. */
  readonly atMs: number | undefined;
}

/** A rule’s keys as they stand in the file. */
export interface RuleKeys extends KindKeys {
  readonly id: Placed<string>;
  readonly name: string;
  readonly description: string;
  readonly severity: Severity;
  readonly risk: number;
  readonly tags: readonly string[];
  readonly mitre: readonly Placed<string>[];
  readonly author: string;
  readonly license: string;
  readonly references: readonly string[];
  readonly false_positives: readonly string[];
  readonly origin: Partial<OriginKeys>;
  readonly status: Rule['status'];
  readonly match: Placed<string>;
  readonly by: readonly Placed<string>[];
  readonly cases: readonly Placed<Partial<CaseKeys>>[];
  readonly lateness: number;
  readonly except: readonly Placed<Partial<ExceptionKeys>>[];
  readonly alert: Partial<AlertKeys>;
  readonly tests: readonly Placed<TestKeys>[];
}

/** Where a rule of another tool comes from. */
export interface OriginKeys {
  readonly format: string;
  readonly id: string;
  readonly status: string;
  readonly date: string;
  readonly modified: string;
  readonly taxonomy: string;
  readonly related: readonly string[];
}

const ORIGIN: MapShape<OriginKeys> = {
  what: '`origin`',
  readers: {
    format: text(40),
    id: text(200),
    status: text(40),
    date: text(40),
    modified: text(40),
    taxonomy: text(40),
    related: listOf(text(300), 100),
  },
  required: ['format'],
};

const origin: Reader<Partial<OriginKeys>> = mapOf(ORIGIN, ({ values, isComplete }) =>
  isComplete ? values : undefined,
);

const SUPPRESS: MapShape<SuppressKeys> = {
  what: '`suppress`',
  readers: { for: duration(365 * DAY_MS), by: listOf(placed(field), 16), grow: duration(365 * DAY_MS) },
  required: ['for'],
};

const suppress: Reader<Partial<SuppressKeys>> = mapOf(SUPPRESS, ({ values, isComplete }, { node, reading }) => {
  const { for: forMs, grow } = values;
  if (forMs !== undefined && grow !== undefined && grow < forMs) {
    const remedy = 'It is the longest span that `for` may double to; make it longer or leave it out.';
    return report(reading, node.at, {
      code: 'rule/wrong-duration',
      message: `\`grow\` is shorter than \`for\` (${formatDuration(forMs)})`,
      remedy,
    });
  }
  return isComplete ? values : undefined;
});

const schedule: Reader<Schedule> = shaped({ type: 'string', pattern: '\\S' }, (node, reading) => {
  const written = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : '';
  const parsed = parseSchedule(written);
  if (parsed !== undefined) return parsed;
  const message = `\`${visible(written)}\` is no time as cron writes it`;
  const remedy = 'Write minute, hour, day of the month, month, day of the week, in UTC: "0 9 * * 1-5".';
  return report(reading, node.at, { code: 'rule/wrong-value', message, remedy });
});

const GROUP: MapShape<GroupKeys> = {
  what: '`group`',
  readers: {
    for: duration(31 * DAY_MS),
    schedule,
    by: listOf(placed(field), 16),
    table: listOf(placed(field), 8),
    first: oneOf(['wait', 'send']),
  },
  required: [],
};

const group: Reader<Partial<GroupKeys>> = mapOf(GROUP, ({ values, isComplete }, { node, reading }) => {
  if (isComplete && (values.for === undefined) === (values.schedule === undefined)) {
    return report(reading, node.at, {
      code: 'rule/missing-key',
      message: '`group` needs either `for` or `schedule`',
      remedy: 'Write how long a message gathers alerts, `for: 5m`, or when it leaves, `schedule: "0 9 * * 1-5"`.',
    });
  }
  return isComplete ? values : undefined;
});

const ALERT: MapShape<AlertKeys> = {
  what: '`alert`',
  readers: {
    title: placed(text(500)),
    include: listOf(placed(field), 40),
    suppress,
    group,
    to: listOf(channel, 20),
    runbook: url,
  },
  required: [],
};

const alert: Reader<Partial<AlertKeys>> = mapOf(ALERT, ({ values }) => values);

const EXCEPTION: MapShape<ExceptionKeys> = {
  what: 'an exception',
  readers: { match: expression, reason: text(2_000), owner: text(200), expires: date },
  required: ['match'],
};

const exception: Reader<Partial<ExceptionKeys>> = mapOf(EXCEPTION, ({ values, isComplete }) =>
  isComplete ? values : undefined,
);

const testEvent: Reader<TestEvent> = shaped({ $ref: '#/$defs/event' }, (node, reading) => {
  if (node.kind !== 'map') {
    return report(reading, node.at, {
      code: 'rule/wrong-type',
      message: 'a test’s event must be a map',
      remedy: 'Write `process.name: bash` and the like.',
    });
  }
  const { at, ...fields } = plainValue(node) as Readonly<Record<string, unknown>>;
  const atMs = offsetOf(at);
  if (at === undefined || atMs !== undefined) return { document: toNested(fields), atMs };
  const place = node.entries.find(({ key }) => key === 'at')?.value ?? node;
  const remedy = 'Write how long after the test’s start the event comes: 0s, 30s, 5m, 1d.';
  return report(reading, place.at, { code: 'rule/wrong-duration', message: '`at` is not a duration', remedy });
});

const TEST: MapShape<TestKeys> = {
  what: 'a test',
  readers: {
    name: text(300),
    events: listOf(testEvent, 1_000),
    alerts: integer(0, 1_000),
    messages: integer(0, 1_000),
    progress: duration(366 * DAY_MS),
  },
  required: ['name', 'events', 'alerts'],
};

const test: Reader<TestKeys> = mapOf(TEST, ({ values, isComplete }) => {
  const { name, events, alerts, messages, progress } = values;
  if (!isComplete || name === undefined || events === undefined || alerts === undefined) return undefined;
  return {
    name,
    events,
    alerts,
    ...(messages === undefined ? {} : { messages }),
    ...(progress === undefined ? {} : { progress }),
  };
});

/** How each key of a rule is read. */
const RULE_READERS: { readonly [K in keyof RuleKeys]: Reader<RuleKeys[K]> } = {
  id: placed(id),
  name: text(300),
  description: text(65_535),
  severity: oneOf(SEVERITIES),
  risk: integer(0, 100),
  tags: listOf(text(100), 100),
  mitre: listOf(placed(text(40)), 100),
  author: text(2_000),
  license: text(300),
  references: listOf(url, 100),
  false_positives: listOf(text(2_000), 100),
  origin,
  status: oneOf(['off', 'test', 'stable']),
  match: expression,
  by: listOf(placed(field), 16),
  cases,
  ...KIND_READERS,
  lateness,
  except: listOf(placed(exception), 1_000),
  alert,
  tests: listOf(placed(test), 200),
};

/** A rule as a map. `match` is needed too, except with `sequence` and `together`. */
export const RULE: MapShape<RuleKeys> = {
  what: 'a rule',
  readers: RULE_READERS,
  required: ['id', 'name', 'severity'],
};
