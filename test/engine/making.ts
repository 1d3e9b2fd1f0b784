// Hand-made rules and events for the engine's tests: a rule's predicate is a closure, an event says only what a test needs.
import type { NewEvent } from '../../event/document.ts';
import type { Rule } from '../../rules/rule.ts';

export function ruleWith(
  changes: Partial<Omit<Rule, 'alert'>> & { readonly alert?: Partial<Rule['alert']> } = {},
): Rule {
  return {
    id: 'rule',
    version: 'v1',
    name: 'A rule',
    description: 'What it is about.',
    severity: 'high',
    risk: undefined,
    tags: [],
    mitre: [],
    author: undefined,
    references: [],
    falsePositives: [],
    status: 'stable',
    match: () => true,
    matchSource: 'true',
    necessary: undefined,
    by: [],
    kind: { kind: 'single' },
    latenessMs: 10_000,
    except: [],
    tests: [],
    file: 'rule.yaml',
    sourceJson: '{}',
    ...changes,
    alert: { title: 'Title', include: [], suppress: undefined, to: undefined, runbook: undefined, ...changes.alert },
  };
}

export interface EventParts {
  readonly host?: string;
  readonly boot?: string;
  readonly position?: number;
  readonly createdMs?: number;
  readonly user?: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** The id is made of host, boot and position. */
export function eventOf(parts: EventParts = {}): NewEvent {
  const { host = 'h1', boot = 'b1', position = 1, createdMs = 1_000, user = 'root', fields = {} } = parts;
  return {
    id: `${host}.${boot}.${position}`,
    document: {
      '@timestamp': new Date(createdMs).toISOString(),
      event: { created: new Date(createdMs).toISOString() },
      host: { id: host, name: `name of ${host}`, boot: { id: boot } },
      user: { name: user },
      vedette: { position },
      ...fields,
    },
  };
}

/** The durable state after a step: what a restart reads. */
export function committed(
  state: Map<string, string>,
  changes: ReadonlyMap<string, string | undefined>,
): Map<string, string> {
  for (const [key, text] of changes) {
    if (text === undefined) state.delete(key);
    else state.set(key, text);
  }
  return state;
}
