// What a rule of Elastic Security is besides its query, in our keys: name, severity, ATT&CK, authors, licence, suppression. What has no key of ours, and
// would change what the rule finds or does, is told.
import { formatDuration } from '../../event/duration.ts';
import type { PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import { idFrom } from '../foreign/rule-id.ts';
import { type Data, type ElasticDocument, listOf, objectOf, own, textsOf } from './rule-files.ts';

/** Tells at the place of a key. */
export interface Telling {
  refuse(key: string, message: string, remedy: string): undefined;
  remark(key: string, message: string, remedy: string): void;
}

const SEVERITIES = ['low', 'medium', 'high', 'critical'];
const URL = /^https?:\/\/[^\s"'<>]{1,1900}$/;
const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
const DESCRIPTION_MAX = 60_000;
/** Kibana's default. */
const INTERVAL_MS = 300_000;

/** Keys that say nothing about what a rule finds here, or are read elsewhere. */
const KNOWN: ReadonlySet<string> = new Set(
  `id rule_id name description severity risk_score tags threat references false_positives author license note setup type language query index data_view_id
  from to interval enabled immutable version revision created_at created_by updated_at updated_by max_signals output_index meta related_integrations required_fields
  timestamp_override timestamp_override_fallback_disabled event_category_override timestamp_field tiebreaker_field timeline_id timeline_title threshold
  new_terms_fields history_window_start new_terms exceptions_list filters alert_suppression actions throttle building_block_type rule_name_override severity_mapping
  risk_score_mapping metadata rule_source namespace investigation_fields response_actions outcome alias_target_id alias_purpose execution_summary saved_id
  transform license_type notify_when schedule last_run next_run params outcome_type`.split(/\s+/),
);

export interface Head {
  /** Keys that stand before what is asked. */
  readonly before: PlainRule;
  readonly suppress: PlainRule | undefined;
}

export function headOf({ data }: ElasticDocument, telling: Telling): Head {
  const name = oneText(data, 'name')?.replace(/\s+/g, ' ').slice(0, 300) ?? 'untitled';
  const metadata = objectOf(own(data, 'metadata'));
  const severity = oneText(data, 'severity')?.toLowerCase() ?? 'medium';
  if (!SEVERITIES.includes(severity)) {
    telling.refuse('severity', `\`${severity.slice(0, 40)}\` is no severity`, `One of ${SEVERITIES.join(', ')}.`);
  }
  tellUnknown(data, telling);
  const references = textsOf(own(data, 'references'));
  const before: Record<string, PlainValue | undefined> = {
    id: idOf(data, name),
    name,
    description: descriptionOf(
      data,
      references.filter((one) => !URL.test(one)),
    ),
    severity,
    risk: riskOf(data),
    tags: listed(textsOf(own(data, 'tags')).filter((tag) => tag.length <= 100)),
    mitre: listed(attackOf(data)),
    references: listed(references.filter((one) => URL.test(one))),
    author: textsOf(own(data, 'author')).join(', ').slice(0, 2_000) || undefined,
    license: oneText(data, 'license')?.slice(0, 300),
    false_positives: listed(textsOf(own(data, 'false_positives')).map((text) => text.trim().slice(0, 2_000))),
    origin: originOf(data, metadata),
    status: statusOf(data, metadata, telling),
  };
  const known = Object.entries(before).filter((entry): entry is [string, PlainValue] => entry[1] !== undefined);
  return { before: Object.fromEntries(known), suppress: suppressOf(data, telling) };
}

export function oneText(data: Data | undefined, key: string): string | undefined {
  const value = own(data, key);
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? undefined : text;
}

function listed(values: readonly string[]): readonly string[] | undefined {
  const kept = [...new Set(values.filter((value) => value !== ''))].slice(0, 100);
  return kept.length === 0 ? undefined : kept;
}

function idOf(data: Data, name: string): string {
  const id = idFrom(oneText(data, 'rule_id') ?? oneText(data, 'id') ?? name);
  return id === '' ? 'elastic-rule' : id;
}

function descriptionOf(data: Data, others: readonly string[]): string | undefined {
  const parts = [
    oneText(data, 'description'),
    oneText(data, 'note'),
    oneText(data, 'setup'),
    others.length === 0 ? undefined : `See also: ${others.join('; ')}`,
  ];
  const text = parts.filter((part) => part !== undefined).join('\n\n');
  return text === '' ? undefined : text.slice(0, DESCRIPTION_MAX);
}

function riskOf(data: Data): number | undefined {
  const risk = own(data, 'risk_score');
  return typeof risk === 'number' && risk >= 0 && risk <= 100 ? Math.round(risk) : undefined;
}

/** Techniques, the finest that are named; a tactic where it has none. */
function attackOf(data: Data): readonly string[] {
  const idIn = (value: unknown): string => oneText(objectOf(value), 'id')?.toUpperCase() ?? '';
  const found = listOf(own(data, 'threat')).flatMap((one): readonly string[] => {
    const threat = objectOf(one);
    const techniques = listOf(own(threat, 'technique')).flatMap((technique) => {
      const finer = listOf(own(objectOf(technique), 'subtechnique')).map(idIn);
      return finer.length > 0 ? finer : [idIn(technique)];
    });
    return techniques.length > 0 ? techniques : [idIn(own(threat, 'tactic'))];
  });
  return found.filter((id) => /^(?:T[0-9]{4}(?:\.[0-9]{3})?|TA[0-9]{4})$/.test(id));
}

function originOf(data: Data, metadata: Data | undefined): PlainValue {
  const origin: Record<string, PlainValue | undefined> = {
    format: 'elastic',
    id: (oneText(data, 'rule_id') ?? oneText(data, 'id'))?.slice(0, 200),
    status: oneText(metadata, 'maturity')?.slice(0, 100),
    date: (oneText(metadata, 'creation_date') ?? oneText(data, 'created_at'))?.slice(0, 100),
    modified: (oneText(metadata, 'updated_date') ?? oneText(data, 'updated_at'))?.slice(0, 100),
  };
  return Object.fromEntries(
    Object.entries(origin).filter((entry): entry is [string, PlainValue] => entry[1] !== undefined),
  );
}

function statusOf(data: Data, metadata: Data | undefined, telling: Telling): string | undefined {
  if (oneText(metadata, 'maturity') === 'deprecated') {
    telling.remark('maturity', 'the rule is deprecated: it is off', 'Take the rule that replaces it.');
    return 'off';
  }
  if (own(data, 'enabled') === false) {
    telling.remark('enabled', 'the rule was not enabled: it is off', 'Take `status: off` out where it is wanted.');
    return 'off';
  }
  if (oneText(data, 'building_block_type') === undefined) return undefined;
  telling.remark(
    'building_block_type',
    'a building block does not alert: `status: test`',
    'Name it in a rule with `together`.',
  );
  return 'test';
}

function tellUnknown(data: Data, telling: Telling): void {
  const unknown = Object.keys(data).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) {
    const names = unknown.slice(0, 5).map((key) => key.slice(0, 60));
    telling.remark(
      'name',
      `keys that are not known here are left out: ${names.join(', ')}`,
      'Look whether they matter to the rule.',
    );
  }
  const mapped = ['severity_mapping', 'risk_score_mapping'].find((key) => listOf(own(data, key)).some(namesField));
  if (mapped !== undefined) {
    telling.remark(
      mapped,
      `\`${mapped}\` takes its figure from the event; here it is the rule’s own`,
      'Write a rule for each severity.',
    );
  }
  if (oneText(data, 'rule_name_override') !== undefined) {
    telling.remark(
      'rule_name_override',
      'an alert’s name is the rule’s, not a field’s',
      'Name the field in `alert.title`.',
    );
  }
  if (listOf(own(data, 'actions')).length > 0 || listOf(own(data, 'response_actions')).length > 0) {
    telling.remark(
      'actions',
      'actions are not taken over: alerts go to all channels that are configured',
      'Name some in `alert.to`.',
    );
  }
}

function namesField(mapping: unknown): boolean {
  return oneText(objectOf(mapping), 'field') !== undefined;
}

function suppressOf(data: Data, telling: Telling): PlainRule | undefined {
  const suppression = objectOf(own(data, 'alert_suppression'));
  if (suppression === undefined) return undefined;
  const duration = objectOf(own(suppression, 'duration'));
  const unit = UNITS_MS[oneText(duration, 'unit') ?? ''];
  const value = own(duration, 'value');
  const isSpan = typeof value === 'number' && Number.isInteger(value) && value > 0 && unit !== undefined;
  const givenMs = isSpan ? value * unit : undefined;
  if (duration !== undefined && givenMs === undefined) {
    return telling.refuse('alert_suppression', 'this duration cannot be read', 'Write `value` and `unit` (s, m, h).');
  }
  if (oneText(suppression, 'missing_fields_strategy') === 'doNotSuppress') {
    const message = 'alerts without the fields of `group_by` are suppressed together; there each would alert';
    telling.remark('missing_fields_strategy', message, 'Nothing is to be done where the fields are there.');
  }
  const by = textsOf(own(suppression, 'group_by')).slice(0, 16);
  const forMs = givenMs ?? spanMs(oneText(data, 'interval')) ?? INTERVAL_MS;
  return { for: formatDuration(forMs), ...(by.length === 0 ? {} : { by }) };
}

/** `5m`; also of a time before now: `now-9m`, `now-9m/m`. */
export function spanMs(text: string | undefined): number | undefined {
  const [, count, unit] = /^(?:now-)?([0-9]{1,6})(ms|s|m|h|d|w)(?:\/[smhdw])?$/.exec(text ?? '') ?? [];
  return count === undefined || unit === undefined ? undefined : Number(count) * (UNITS_MS[unit] ?? 0);
}
