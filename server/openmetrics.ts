// Figures as text for Prometheus: OpenMetrics 1.0 where the scraper asks for it, else its older text format 0.0.4. Pure. Names are ours;
// what stands in labels (rule ids, versions) is escaped, so that no text in a rule file can make a line of its own.

export interface MetricFamily {
  /** Without `_total`: `vedette_rule_matches`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  /** Left out where it is undefined. */
  readonly value: number | undefined;
}

export type MetricsFormat = 'openmetrics' | 'text';

export const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  text: 'text/plain; version=0.0.4; charset=utf-8',
};

/** By the `Accept` header; Prometheus names OpenMetrics where it takes it. */
export function formatFor(accept: string | undefined): MetricsFormat {
  return accept?.includes('application/openmetrics-text') === true ? 'openmetrics' : 'text';
}

/** Ended by a newline. Families without a sample are left out. */
export function metricsText(families: readonly MetricFamily[], format: MetricsFormat): string {
  const lines: string[] = [];
  for (const { name, type, help, samples } of families) {
    const sampleName = type === 'counter' ? `${name}_total` : name;
    const family = format === 'openmetrics' ? name : sampleName;
    const shown = samples.filter(({ value }) => value !== undefined);
    if (shown.length === 0) continue;
    lines.push(`# HELP ${family} ${escapedHelp(help, format)}`, `# TYPE ${family} ${type}`);
    for (const { labels = {}, value } of shown)
      lines.push(`${sampleName}${labelText(labels)} ${numberText(value ?? 0)}`);
  }
  if (format === 'openmetrics') lines.push('# EOF');
  return lines.map((line) => `${line}\n`).join('');
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapedLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Backslash, quote and newline are all that the formats escape; other control characters would be taken, and shown to somebody. */
function escapedLabel(value: string): string {
  return value
    .toWellFormed()
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll(/\p{Cc}/gu, '\ufffd');
}

function escapedHelp(help: string, format: MetricsFormat): string {
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped;
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
