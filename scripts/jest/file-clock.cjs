// Measures the phases of one test file and appends the times to test-results/file-times.jsonl.
const { appendFileSync, mkdirSync, readFileSync } = require('node:fs');
const path = require('node:path');

// The tests' fake timers replace the global ones.
const now = performance.now.bind(performance);

/** A test that takes longer justifies its duration in a comment. */
const SLOW_TEST_MS = 5_000;

/** Milliseconds spent on compiling TypeScript since the process started. */
const compiled = { ms: 0 };

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

/** Processor time of this process and of the processes that it started and that have ended. 0 where there is no `/proc`. */
function cpuMs() {
  try {
    const [, fields = ''] = readFileSync('/proc/self/stat', 'utf8').split(') ');
    const [user, system, usersOfChildren, systemOfChildren] = fields.split(' ').slice(11, 15).map(Number);
    return TICK_MS * (user + system + usersOfChildren + systemOfChildren);
  } catch {
    return 0;
  }
}

class FileClock {
  constructor(rootDir, testPath) {
    this.rootDir = rootDir;
    this.file = path.relative(rootDir, testPath);
    this.startedAt = now();
    this.compiledAtStart = compiled.ms;
    this.loadedAt = this.startedAt;
    this.cpuAtStart = cpuMs();
    this.hooksMs = 0;
    this.testsMs = 0;
    this.slowTests = [];
  }

  /** @param {{ name: string, test?: { name: string } }} event An event of jest-circus. */
  see(event) {
    switch (event.name) {
      case 'run_start':
        this.loadedAt = now();
        break;
      case 'hook_start':
      case 'test_fn_start':
        this.stepAt = now();
        break;
      case 'hook_success':
      case 'hook_failure':
        this.hooksMs += now() - this.stepAt;
        break;
      case 'test_fn_success':
      case 'test_fn_failure':
        this.addTest(event.test.name, now() - this.stepAt);
        break;
    }
  }

  addTest(title, ms) {
    this.testsMs += ms;
    if (ms > SLOW_TEST_MS) this.slowTests.push({ title, ms: Math.round(ms) });
  }

  report() {
    const compileMs = compiled.ms - this.compiledAtStart;
    const times = {
      file: this.file,
      totalMs: Math.round(now() - this.startedAt),
      compileMs: Math.round(compileMs),
      loadMs: Math.round(this.loadedAt - this.startedAt - compileMs),
      hooksMs: Math.round(this.hooksMs),
      testsMs: Math.round(this.testsMs),
      cpuMs: cpuMs() - this.cpuAtStart,
      slowTests: this.slowTests,
    };
    const folder = path.join(this.rootDir, 'test-results');
    mkdirSync(folder, { recursive: true });
    appendFileSync(path.join(folder, 'file-times.jsonl'), `${JSON.stringify(times)}\n`);
  }
}

module.exports = { FileClock, compiled };
