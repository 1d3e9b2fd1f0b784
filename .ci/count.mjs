// Adds up the suites' reports: node .ci/count.mjs FOLDER [FAILED-STEP…]. A failed step without a failed test counts as one; a skipped
// test counts as failed, because whoever runs this gave the tests all they need.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...failedSteps] = process.argv.slice(2);
let passed = 0;
let failed = 0;
const problems = [];
for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  for (const file of report.testResults) {
    if (file.assertionResults.length === 0) {
      failed += 1;
      problems.push(`${file.name}: no test ran: ${String(file.message).split('\n')[0]}`);
    }
    for (const test of file.assertionResults) {
      if (test.status === 'passed') passed += 1;
      else {
        failed += 1;
        problems.push(`${test.status}: ${test.fullName}`);
      }
    }
  }
}
failed = Math.max(failed, failedSteps.length);
for (const problem of problems) console.log(problem);
for (const step of failedSteps) console.log(`failed step: ${step}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
