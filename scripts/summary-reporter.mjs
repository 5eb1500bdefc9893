// Jest reporter: writes the counts as one line to test-results/summary.txt, which `.ci/run` prints last.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export default class SummaryReporter {
  constructor(globalConfig) {
    this.folder = join(globalConfig.rootDir, 'test-results');
  }

  /** Each test file appends its times to this one; see jest/file-clock.cjs. */
  onRunStart() {
    rmSync(join(this.folder, 'file-times.jsonl'), { force: true });
  }

  onRunComplete(_contexts, results) {
    // A test file that cannot be loaded contains no failed test, but counts as a failure.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `Tests: ${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    mkdirSync(this.folder, { recursive: true });
    writeFileSync(join(this.folder, 'summary.txt'), `${line}\n`);
  }
}
