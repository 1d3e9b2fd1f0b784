// Adds up the suites' reports and tells what failed and why: node .ci/count.mjs FOLDER [FAILED-STEP…]. A skipped test counts as failed,
// because whoever runs this gave the tests all they need; a failed step without a failed test counts as one, and its last output is told.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** Of a run's output only the end may be kept: what is told has to fit. */
const CHARACTERS_EACH = 1_500;
const CHARACTERS_ALL = 6_000;
const NAMES_MOST = 40;

const [folder, ...failedSteps] = process.argv.slice(2);
const names = [];
const reasons = [];
let passed = 0;
let failed = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const { tests, errors } = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  passed += tests.filter(({ state }) => state === 'passed').length;
  for (const { file: of, name, state, failures } of tests.filter((test) => test.state !== 'passed')) {
    failed += 1;
    names.push(`${state}: ${of}: ${name}`);
    for (const failure of failures) reasons.push({ about: name, ...failure });
  }
  for (const error of errors) {
    failed += 1;
    names.push(`failed: ${error.about}`);
    reasons.push(error);
  }
}
for (const step of failedSteps) {
  names.push(`failed step: ${step}`);
  const log = join(folder, `${step}.log`);
  // A suite's report says it better.
  if (failed < failedSteps.length && existsSync(log))
    reasons.push({
      about: `the end of ${step}`,
      at: '',
      text: plain(readFileSync(log, 'utf8')).slice(-CHARACTERS_EACH),
    });
}
failed = Math.max(failed, failedSteps.length);

let left = CHARACTERS_ALL;
for (const { about, at, text } of reasons) {
  const said = `\n${plain(`${about} ${at}`)}\n${indented(plain(text).slice(0, CHARACTERS_EACH))}`.slice(0, left);
  left -= said.length;
  if (said !== '') console.log(said);
}
if (left === 0) console.log('…');
if (names.length > 0) console.log();
for (const name of names.slice(0, NAMES_MOST)) console.log(plain(name).slice(0, 300));
if (names.length > NAMES_MOST) console.log(`… and ${names.length - NAMES_MOST} more`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

function plain(text) {
  return stripVTControlCharacters(text).replace(/[^\P{C}\n]/gu, '');
}

function indented(text) {
  return text
    .trim()
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
