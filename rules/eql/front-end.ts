// Rules of Elastic Security and queries in EQL, as an import is given them. A document is a rule whole or not at all.
import { type Diagnostic, visible } from '../diagnostic.ts';
import type { PlainRule, PlainValue } from '../foreign/foreign-rule.ts';
import type { ForeignEntry, FrontEnd } from '../foreign/front-end.ts';
import { diagnosticAt, placeOf } from '../language/source-text.ts';
import { type ExceptionLists, exceptionLists, exceptionsOf, isException } from './exceptions.ts';
import { type ElasticDocument, objectOf, own, readElasticFile, textsOf } from './rule-files.ts';
import { askedOf } from './rule-kinds.ts';
import { headOf, oneText, type Telling } from './rule-parts.ts';
import { EqlProblem } from './syntax.ts';
import { writingOf } from './writing.ts';

/** Alerts show so many fields at most. */
const INCLUDE_MAX = 12;

export const elasticFrontEnd: FrontEnd = (files) => {
  const read = files.map(readElasticFile);
  const documents = read.flatMap((file) => file.documents);
  const lists = exceptionLists(documents);
  return {
    entries: documents
      .filter((document) => !isException(document) && !isSummary(document))
      .map((document) => entryOf(document, lists)),
    diagnostics: read.flatMap(({ diagnostics }) => diagnostics),
  };
};

/** The last line of an export, which counts the others; connectors of actions. */
function isSummary({ data }: ElasticDocument): boolean {
  if (own(data, 'query') !== undefined || own(data, 'rule_id') !== undefined) return false;
  const isCount = Object.keys(data).some(
    (key) => key === 'exportedCount' || /^(?:exported|missing|excluded)_/.test(key),
  );
  return isCount || (oneText(data, 'type') === 'action' && objectOf(own(data, 'attributes')) !== undefined);
}

function entryOf(document: ElasticDocument, lists: ExceptionLists): ForeignEntry {
  const { source, data, at } = document;
  const title = oneText(data, 'name') ?? oneText(data, 'rule_id') ?? 'untitled';
  const diagnostics: Diagnostic[] = [];
  const rule = ruleOf(document, lists, diagnostics);
  const isWhole = rule !== undefined && !diagnostics.some(({ severity }) => severity === 'error');
  const uncollected = isWhole ? uncollectedOf(document) : undefined;
  if (uncollected !== undefined) {
    const remedy = 'See docs/ingest.md for how other shippers send logs here.';
    diagnostics.push(
      diagnosticAt(source, document.placeOf('index'), {
        code: 'elastic/not-collected',
        severity: 'warning',
        message: uncollected,
        remedy,
      }),
    );
  }
  return {
    file: source.file,
    line: placeOf(source, at).line,
    title,
    kind: isWhole ? 'rule' : 'refused',
    rule: isWhole ? rule : undefined,
    uncollected,
    diagnostics,
  };
}

function ruleOf(document: ElasticDocument, lists: ExceptionLists, diagnostics: Diagnostic[]): ForeignEntry['rule'] {
  const { source, data, at, end } = document;
  const writing = writingOf({ source, diagnostics, placeOf: (offset) => document.queryPlace(offset) });
  const plain = writingOf({ source, diagnostics, placeOf: (offset) => offset });
  const telling: Telling = {
    refuse: (key, message, remedy): undefined => {
      plain.refuse(document.placeOf(key), message, remedy);
    },
    remark: (key, message, remedy) => plain.remark(document.placeOf(key), message, remedy),
  };
  const { before, suppress } = headOf(document, telling);
  try {
    const asked = askedOf({ data, writing, telling });
    if (asked === undefined) return undefined;
    const except = exceptionsOf(document, lists, plain, telling);
    const rule: PlainRule = {
      ...before,
      ...asked.rule,
      ...(except.length === 0 ? {} : { except }),
      alert: {
        title: titleOf(String(before['name'])),
        ...includeOf(document, writing.fields),
        ...(suppress === undefined ? {} : { suppress: suppressWith(suppress, asked.rule) }),
      },
    };
    const places = new Map([['', at]]);
    for (const [ours, theirs] of PLACES) places.set(ours, document.placeOf(theirs));
    for (const [path, offset] of asked.places) places.set(path, document.queryPlace(offset));
    return { rule, places, end };
  } catch (error) {
    if (!(error instanceof EqlProblem)) throw error;
    writing.refuse(error.at, error.message, error.remedy);
    return undefined;
  }
}

const PLACES: readonly (readonly [string, string])[] = [
  ['id', 'rule_id'],
  ['name', 'name'],
  ['description', 'description'],
  ['severity', 'severity'],
  ['risk', 'risk_score'],
  ['mitre', 'threat'],
  ['except', 'exceptions_list'],
  ['alert.suppress', 'alert_suppression'],
  ['threshold', 'threshold'],
  ['distinct', 'threshold'],
  ['new_value', 'new_terms_fields'],
];

/** Without fields of its own it is what the rule's keys are. */
function suppressWith(suppress: PlainRule, { by }: PlainRule): PlainValue {
  return suppress['by'] === undefined && by !== undefined ? { ...suppress, by } : suppress;
}

/** `{{` in a title would name a field. */
function titleOf(name: string): string {
  return name.includes('{{') || name.includes('}}') ? 'Elastic rule on {{host.name}}' : `${name} on {{host.name}}`;
}

const SHOWN: ReadonlyMap<string, string> = new Map([
  ['process.args', 'process.command_line'],
  ['process.parent.args', 'process.parent.command_line'],
]);
const DULL: ReadonlySet<string> = new Set([
  'event.category',
  'event.type',
  'event.action',
  'event.kind',
  'host.os.type',
  'host.id',
]);

/** What the rule's author wants to be looked at, and what it asks for. */
function includeOf({ data }: ElasticDocument, asked: ReadonlySet<string>): PlainRule {
  const wanted = textsOf(own(objectOf(own(data, 'investigation_fields')), 'field_names'));
  const names = ['user.name', ...wanted, ...asked]
    .filter((name) => !DULL.has(name))
    .map((name) => SHOWN.get(name) ?? name);
  const include = [...new Set(names)].filter((name) => /^[A-Za-z@_][A-Za-z0-9@_.-]{0,199}$/.test(visible(name)));
  return { include: include.slice(0, INCLUDE_MAX) };
}

/** A system that a query asks for by name; so much of a query is looked through. */
const SYSTEM = /host\.os\.type\s*(?:==|:)\s*"?(windows|macos|linux)/g;
const QUERY_SEEN = 65_536;

/** Patterns of indices whose events a host's collector, or another shipper here, may send. */
const COLLECTED =
  /^(?:\*|logs-\*|auditbeat|filebeat|endgame|\.?logs-endpoint|logs-auditd|logs-system|logs-sentinel_one|logs-crowdstrike|logs-cloud_defend|vedette|security)|audit|endpoint/;

function uncollectedOf({ data }: ElasticDocument): string | undefined {
  const systems = textsOf(own(data, 'tags')).flatMap((tag) => /^OS: (.+)$/.exec(tag)?.[1] ?? []);
  const query = own(data, 'query');
  const named =
    typeof query === 'string' ? [...query.slice(0, QUERY_SEEN).matchAll(SYSTEM)].map(([, one = '']) => one) : [];
  const all = [...systems, ...named];
  if (all.length > 0 && !all.some((one) => /linux/i.test(one)))
    return `it is about ${(all[0] ?? '').slice(0, 40)}, and no events of that come by themselves`;
  const indices = textsOf(own(data, 'index')).filter((index) => !index.startsWith('-'));
  if (indices.length === 0 || indices.some((index) => COLLECTED.test(index) && !/winlog|windows/.test(index)))
    return undefined;
  return `no events of ${indices.slice(0, 3).join(', ').slice(0, 100)} come by themselves`;
}
