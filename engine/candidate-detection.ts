// A detection before the fold has decided about it, with everything that the fold will need: while it waits for its watermark
// its event, and even its rule, may be gone. Durable as one entry of the state, `pending:ID`, format version 1.
import type { Alert, Detection } from '../event/detection.ts';
import { type EventDocument, timeOf } from '../event/document.ts';
import type { OrderKey } from '../event/order.ts';
import { visible } from '../rules/diagnostic.ts';
import type { Grouping, Rule } from '../rules/rule.ts';
import { bareTold, type Sample, type Teller } from './folding/sample.ts';
import { type GroupPlan, spanOf } from './grouping.ts';
import { alertIdOf, detectionIdOf, suppressionIdOf } from './identity.ts';
import { keyOf } from './key.ts';
import type { Found } from './kinds/kind-fold.ts';
import { fieldText, MISSING, renderFields, renderTitle } from './rendering.ts';

/** How long suppression waits for hosts that are behind, and with it the grouping of rules on single events. */
const LATENESS_MS = 10_000;

/** `test`: of a rule in status `test`, opens nothing. `single`: opens its own alert. `suppressed`: the fold decides. */
export type CandidateDetection =
  | { readonly kind: 'test'; readonly detection: UndecidedDetection }
  | {
      readonly kind: 'single';
      readonly detection: UndecidedDetection;
      readonly draft: Alert;
      readonly grouping?: GroupPlan;
    }
  | SuppressedDetection;

type UndecidedDetection = Omit<Detection, 'alertId' | 'decision' | 'isLate'>;

export interface SuppressedDetection {
  readonly kind: 'suppressed';
  readonly detection: UndecidedDetection;
  /** The alert that it opens, if it opens one: `count` 1, without a window. */
  readonly draft: Alert;
  /** Of rule, key fields and their values: what is folded together. */
  readonly suppressionId: string;
  /** `host` when the key holds `host.id`: then all that is folded together comes from one host. */
  readonly scope: 'host' | 'all';
  readonly forMs: number;
  readonly growMs: number | undefined;
  /** Of a rule that groups: into which message its alert comes. */
  readonly grouping?: GroupPlan;
}

export function candidateOf(rule: Rule, document: EventDocument, order: OrderKey): CandidateDetection {
  const { suppress } = rule.alert;
  const fields = suppress?.by ?? rule.by;
  const detection: UndecidedDetection = {
    id: detectionIdOf(rule.id, rule.version, order.id),
    ruleId: rule.id,
    ruleVersion: rule.version,
    eventId: order.id,
    order,
    key: keyOf(document, rule.by),
    suppressKey: keyOf(document, fields),
  };
  if (rule.status === 'test') return { kind: 'test', detection };
  const draft = draftOf(rule, detection, {
    title: renderTitle(rule.alert.title, document),
    fields: renderFields(rule.alert.include, document),
    hostName: fieldText(document, 'host.name') ?? order.hostId,
    timestampMs: timeOf(document, '@timestamp') ?? order.createdMs,
  });
  const { group } = rule.alert;
  if (group === undefined) return suppressedBy(rule, detection, { draft });
  const textOf = (name: string): string => fieldText(document, name) ?? MISSING;
  const grouping = planOf(rule, group, { keyText: keyOf(document, group.by), textOf, isHostBound: true });
  return suppressedBy(rule, detection, { draft, grouping });
}

/** What a rule on many events found: its events are gone, and what they said is in the sample. */
export function candidateOfFound(
  rule: Rule,
  finding: {
    readonly detectionId: string;
    readonly key: string;
    readonly found: Found;
    readonly sample: Sample | undefined;
    readonly teller: Teller;
    /** True where its key follows its host alone. */
    readonly isHostBound: boolean;
  },
): CandidateDetection {
  const { found, key, sample, teller, isHostBound } = finding;
  const { at, eventIds, firstMs, facts } = found;
  const detection: UndecidedDetection = {
    id: finding.detectionId,
    ruleId: rule.id,
    ruleVersion: rule.version,
    eventId: at.id,
    order: at,
    key,
    suppressKey: sample?.suppressKey ?? key,
    found: { eventIds, firstMs, facts },
  };
  if (rule.status === 'test') return { kind: 'test', detection };
  const told = sample === undefined ? bareTold(rule, facts) : teller.tell(sample, facts);
  const hostName = visible(sample?.hostName ?? at.hostId);
  const timestampMs = sample?.timestampMs ?? at.createdMs;
  const draft = draftOf(rule, detection, { ...told, hostName, timestampMs });
  const { group } = rule.alert;
  if (group === undefined) return suppressedBy(rule, detection, { draft });
  const textOf = (name: string): string => (sample === undefined ? MISSING : teller.textOf(sample, facts, name));
  const keyText = sample?.groupKey ?? key;
  return suppressedBy(rule, detection, { draft, grouping: planOf(rule, group, { keyText, textOf, isHostBound }) });
}

function planOf(
  { alert, latenessMs }: Rule,
  group: Grouping,
  values: {
    readonly keyText: string;
    readonly textOf: (name: string) => string;
    readonly isHostBound: boolean;
  },
): GroupPlan {
  const { keyText, textOf, isHostBound } = values;
  const isOfHost = (fields: readonly string[]): boolean => fields.includes('host.id');
  const textsOf = (names: readonly string[]): GroupPlan['key'] => names.map((name) => ({ name, value: textOf(name) }));
  return {
    span: spanOf(group),
    sendsFirst: group.sendsFirst,
    keyText,
    key: textsOf(group.by),
    table: textsOf(group.table),
    scope: isHostBound && isOfHost(group.by) && isOfHost(alert.suppress?.by ?? group.by) ? 'host' : 'all',
    latenessMs: isHostBound ? LATENESS_MS : latenessMs,
  };
}

function suppressedBy(
  rule: Rule,
  detection: UndecidedDetection,
  opening: { readonly draft: Alert; readonly grouping?: GroupPlan },
): CandidateDetection {
  const { suppress } = rule.alert;
  if (suppress === undefined) return { kind: 'single', detection, ...opening };
  const fields = suppress.by;
  return {
    kind: 'suppressed',
    detection,
    ...opening,
    suppressionId: suppressionIdOf(rule.id, fields, detection.suppressKey),
    scope: fields.includes('host.id') ? 'host' : 'all',
    forMs: suppress.forMs,
    growMs: suppress.growMs,
  };
}

function draftOf(
  rule: Rule,
  detection: UndecidedDetection,
  told: Pick<Alert, 'title' | 'fields' | 'hostName' | 'timestampMs'>,
): Alert {
  const { order, suppressKey } = detection;
  return {
    id: alertIdOf(rule.id, suppressKey, detection.id),
    ruleId: rule.id,
    ruleVersion: rule.version,
    ruleName: rule.name,
    description: rule.description,
    severity: rule.severity,
    risk: rule.risk,
    mitre: rule.mitre,
    tags: rule.tags,
    references: rule.references,
    runbook: rule.alert.runbook,
    ...(rule.author === undefined ? {} : { author: rule.author }),
    ...(rule.license === undefined ? {} : { license: rule.license }),
    ...(rule.falsePositives.length === 0 ? {} : { falsePositives: rule.falsePositives }),
    to: rule.alert.to,
    suppressKey,
    title: told.title,
    fields: told.fields,
    hostId: order.hostId,
    hostName: told.hostName,
    firstEventId: order.id,
    lastEventId: order.id,
    timestampMs: told.timestampMs,
    openedMs: order.createdMs,
    lastMs: order.createdMs,
    suppressedUntilMs: 0,
    growth: 0,
    count: 1,
    isLate: false,
    status: 'open',
    ...(rule.alert.group === undefined ? {} : { group: 'waits' }),
  };
}
