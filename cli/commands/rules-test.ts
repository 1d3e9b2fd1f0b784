// `vedette rules test`: each rule's own tests through the very engine that runs live.
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CoveredClause } from '../../backtest/clause-coverage.ts';
import type { RuleTestResult } from '../../backtest/rule-tests.ts';
import { type Diagnostic, formatDiagnostic, visible } from '../../rules/diagnostic.ts';
import type { Rule } from '../../rules/rule.ts';
import { type Command, type Invocation, isGiven, optionValue, printJson } from '../command.ts';
import { CONFIG_OPTIONS, loadConfig } from '../config.ts';
import { EXIT, type ExitCode, type Failure, fail, type Outcome, succeed } from '../failure.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { type JunitCase, junitXml } from '../junit.ts';
import { usage } from '../options.ts';
import { type ReadRules, readAskedRules } from '../rule-paths.ts';
import { ruleFoldersOf } from '../server-settings.ts';
import { counted } from '../table.ts';

const PATHS_MAX = 1000;

export const rulesTest: Command = {
  name: 'rules test',
  synopsis: '[PATH…] [--coverage] [--junit FILE] [--watch]',
  description:
    'Runs the tests that stand in the rules: events in, alerts counted; where one fails, with what each event was to the rule. Without PATH: all rules that the configuration names. Needs no server. Exit code 1 when a test fails or a file is broken.',
  positionals: { least: 0, most: PATHS_MAX },
  options: {
    coverage: { description: 'Also name the clauses that no test has seen true, or false.' },
    junit: { value: 'FILE', description: 'Write the results there too, as JUnit XML.' },
    watch: { description: 'Run again whenever a rule file changes, until Ctrl-C.' },
    ...CONFIG_OPTIONS,
  },
  examples: [
    ['vedette rules test', 'All rules in use.'],
    [
      'vedette rules test my-rules/web-shell.yaml --coverage',
      'One file, while writing it: what do its tests leave out?',
    ],
    ['vedette rules test my-rules --junit results.xml', 'In CI.'],
  ],
  async run(invocation) {
    if (!isGiven(invocation, 'watch')) return testOnce(invocation);
    if (invocation.isJson || optionValue(invocation, 'junit') !== undefined)
      return usage(rulesTest, '--watch is for people', 'Leave out --json and --junit.').failure;
    return testAgainAndAgain(invocation);
  },
};

interface Tested {
  readonly rule: Rule;
  readonly results: readonly (RuleTestResult & { readonly explanation?: readonly string[] })[];
  /** Undefined where nobody asked. */
  readonly clauses: readonly CoveredClause[] | undefined;
}

async function testOnce(invocation: Invocation): Promise<ExitCode | Failure> {
  const read = await readAskedRules(invocation);
  if (!read.isOk) return read.failure;
  const errors = read.value.diagnostics.filter(({ severity }) => severity === 'error');
  const tested = await testAll(read.value, isGiven(invocation, 'coverage'));
  const written = await writeJunit(invocation, tested, errors);
  if (!written.isOk) return written.failure;
  const all = tested.flatMap(({ results }) => results);
  const failed = all.filter(({ passed }) => !passed).length;
  if (invocation.isJson) {
    printJson(invocation, {
      passed: all.length - failed,
      failed,
      rules: tested.map(({ rule: { id, file }, results, clauses }) => {
        return { id, file, tests: results, ...(clauses === undefined ? {} : { clauses }) };
      }),
      diagnostics: errors,
    });
  } else {
    const { stdout, stderr } = invocation.context;
    for (const diagnostic of errors) stdout.write(`${formatDiagnostic(diagnostic)}\n\n`);
    for (const one of tested) stdout.write(resultsInWords(one));
    const untested = tested.filter(({ results }) => results.length === 0).length;
    const also = [
      untested === 0 ? '' : `; ${counted(untested, 'rule')} without tests`,
      errors.length === 0 ? '' : `; ${counted(errors.length, 'error')} in files`,
      coverageInWords(tested),
    ].join('');
    stderr.write(`${counted(tested.length, 'rule')}: ${all.length - failed} passed, ${failed} failed${also}\n`);
  }
  return failed > 0 || errors.length > 0 ? EXIT.findings : EXIT.fine;
}

async function testAll({ rules, known }: ReadRules, isCoverageAsked: boolean): Promise<readonly Tested[]> {
  const { runRuleTests } = await import('../../backtest/rule-tests.ts');
  const { explainFailure } = await import('../../backtest/failed-test.ts');
  const { clauseCoverage } = await import('../../backtest/clause-coverage.ts');
  return rules.map((rule) => ({
    rule,
    results: runRuleTests(rule, known).map((result, at) => {
      const test = rule.tests[at];
      return result.passed || test === undefined
        ? result
        : { ...result, explanation: explainFailure(rule, test, result) };
    }),
    clauses: isCoverageAsked ? clauseCoverage(rule) : undefined,
  }));
}

async function testAgainAndAgain(invocation: Invocation): Promise<ExitCode | Failure> {
  const { watchRules } = await import('../../server/rule-watch.ts');
  const config = await loadConfig(invocation);
  if (!config.isOk) return config.failure;
  const { cwd, stderr } = invocation.context;
  const asked = invocation.positionals.map((path) => resolve(cwd, path));
  const paths = [...new Set([...asked, ...ruleFoldersOf(config.value).map(({ path }) => path)])];
  const interrupt = listenForInterrupt();
  let running: Promise<ExitCode | Failure> = Promise.resolve(EXIT.fine);
  const run = (): void => {
    running = running.then(() => testOnce(invocation));
  };
  // Before the first run, so that no change falls in between.
  const watching = watchRules({
    paths,
    onChange: () => {
      stderr.write('\n');
      run();
    },
  });
  // The watch alone keeps no process alive.
  const alive = setInterval(() => undefined, 60_000);
  try {
    run();
    const first = await running;
    if (typeof first !== 'number') return first;
    await new Promise<void>((done) => {
      if (interrupt.signal.aborted) done();
      interrupt.signal.addEventListener('abort', () => done());
    });
    await running;
    return EXIT.fine;
  } finally {
    watching.close();
    clearInterval(alive);
    interrupt.release();
  }
}

async function writeJunit(
  invocation: Invocation,
  tested: readonly Tested[],
  errors: readonly Diagnostic[],
): Promise<Outcome<undefined>> {
  const file = optionValue(invocation, 'junit');
  if (file === undefined) return succeed(undefined);
  const cases = tested.flatMap(({ rule, results }) =>
    results.map((result): JunitCase => {
      const { name, line, passed, explanation = [] } = result;
      const failure = passed ? undefined : { message: failureInWords(result), lines: explanation };
      return { suite: rule.id, file: rule.file, name, line, failure };
    }),
  );
  const broken = errors.map((one) => ({ ...one, text: formatDiagnostic(one) }));
  try {
    await writeFile(resolve(invocation.context.cwd, file), junitXml(cases, broken));
    return succeed(undefined);
  } catch (error) {
    const message = `${file} cannot be written: ${(error as Error).message}`;
    return fail('rules/junit', { message, remedy: 'Name a file in a folder that is there.' });
  }
}

function resultsInWords({ rule, results, clauses = [] }: Tested): string {
  const failed = results.filter(({ passed }) => !passed);
  const verdict =
    failed.length > 0 ? 'FAILED' : results.length === 0 ? 'no tests' : `ok, ${counted(results.length, 'test')}`;
  const lines = failed.flatMap((result) => [
    `  ${rule.file}:${result.line}: ${result.name}: ${failureInWords(result)}`,
    ...(result.explanation ?? []).map((line) => `    ${line}`),
  ]);
  for (const { role, text, isSeenTrue, isSeenFalse } of clauses) {
    if (isSeenTrue && isSeenFalse) continue;
    const lacks = isSeenTrue ? 'never false' : isSeenFalse ? 'never true' : 'never asked';
    lines.push(`  ${lacks} in any test: ${text} (${role})`);
  }
  return `${visible(rule.id)}: ${verdict}\n${lines.map((line) => `${visible(line)}\n`).join('')}`;
}

function failureInWords({ expected, actual, error }: RuleTestResult): string {
  const why = error === undefined ? '' : `; the rule failed on an event: ${error}`;
  return `expected ${counted(expected, 'alert')}, got ${actual}${why}`;
}

function coverageInWords(tested: readonly Tested[]): string {
  if (!tested.some(({ clauses }) => clauses !== undefined)) return '';
  const clauses = tested.flatMap((one) => one.clauses ?? []);
  const covered = clauses.filter(({ isSeenTrue, isSeenFalse }) => isSeenTrue && isSeenFalse).length;
  return `; ${covered} of ${counted(clauses.length, 'clause')} seen true and false`;
}
