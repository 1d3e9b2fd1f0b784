// Groups that gather nothing: suppression leaves one alert in each, and the message only comes later.
import { formatDuration } from '../../event/duration.ts';
import { type Placed, report } from '../language/readers.ts';
import type { Lint } from './lint-rule.ts';

export const lintGrouping: Lint = ({ values, root }, reading) => {
  const { alert } = values;
  const { group, suppress } = alert ?? {};
  if (group === undefined) return;
  const alertKey = root.kind === 'map' ? root.entries.find(({ key }) => key === 'alert')?.value : undefined;
  const place = alertKey?.kind === 'map' ? alertKey.entries.find(({ key }) => key === 'group')?.keyAt : undefined;
  const at = place ?? root.at;
  if (alert?.to?.length === 0) {
    const message = '`group` has no effect: `to` names no channel';
    report(reading, at, { code: 'rule/group-unused', severity: 'warning', message, remedy: 'Remove one of the two.' });
  }
  const { for: forMs, by = [] } = group;
  const { for: suppressMs, by: suppressBy = values.by ?? [] } = suppress ?? {};
  if (forMs === undefined || suppressMs === undefined || forMs > suppressMs || !holds(by, suppressBy)) return;
  report(reading, at, {
    code: 'rule/group-unused',
    severity: 'warning',
    message: `each group holds one alert: its key is suppressed for ${formatDuration(suppressMs)} anyway`,
    remedy: 'Group by fewer fields, for longer, or not at all.',
  });
};

function holds(fields: readonly Placed<string>[], others: readonly Placed<string>[]): boolean {
  return others.every((other) => fields.some(({ value }) => value === other.value));
}
