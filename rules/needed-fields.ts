// The fields without which a rule cannot match any event: for telling rules that cannot fire on what the hosts send.
import type { Necessary } from './necessary.ts';
import type { Rule } from './rule.ts';

/** Of nothing that is known to be needed, none. */
export function neededFields({ status, necessary }: Pick<Rule, 'status' | 'necessary'>): ReadonlySet<string> {
  return status === 'off' || necessary === undefined ? new Set() : fieldsOf(necessary);
}

function fieldsOf(necessary: Necessary): ReadonlySet<string> {
  switch (necessary.kind) {
    case 'all':
      return new Set(necessary.of.flatMap((one) => [...fieldsOf(one)]));
    case 'any': {
      const [first = new Set<string>(), ...others] = necessary.of.map(fieldsOf);
      return new Set([...first].filter((field) => others.every((fields) => fields.has(field))));
    }
    default:
      return new Set([necessary.field]);
  }
}
