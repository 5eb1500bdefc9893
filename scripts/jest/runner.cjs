// Jest runner: test files run in long-lived child processes, in three groups. The first line of a file selects its group: a
// comment that is a marker, or ends with one.
// - `/** @waits */`: the file mostly waits for other processes. Several such files run concurrently, beside the other groups.
// - `/** @runs-alone */`: the file measures time, or loads the machine. It runs after all others, and alone.
// - no marker: the file computes. Up to `maxWorkers` of them run concurrently.
// Jest loads runners with `require`, hence the extension.
const { readFileSync } = require('node:fs');
const { default: TestRunner } = require('jest-runner');

/** How many waiting files run concurrently. Each of them starts up to three gateways. */
const WAITING_AT_ONCE = 3;

/** @param {{ path: string }} test */
function groupOf({ path }) {
  const [, marker] = /^\/\*\* (?:.* )?@(waits|runs-alone) \*\//.exec(readFileSync(path, 'utf8')) ?? [];
  return marker ?? 'computes';
}

module.exports = class NativeRunner extends TestRunner {
  /**
   * @param {ConstructorParameters<typeof TestRunner>[0]} globalConfig
   * @param {ConstructorParameters<typeof TestRunner>[1]} context
   */
  constructor(globalConfig, context) {
    super(globalConfig, context);
    this.maxWorkers = globalConfig.maxWorkers;
  }

  async runTests(tests, watcher, options) {
    const groups = Map.groupBy(tests, groupOf);
    const run = (group, maxWorkers) => this.runIn(maxWorkers, groups.get(group) ?? [], watcher, options);
    if (this.maxWorkers > 1) {
      await Promise.all([run('waits', WAITING_AT_ONCE), run('computes', this.maxWorkers)]);
    } else {
      await run('waits', 1);
      await run('computes', 1);
    }
    await run('runs-alone', 1);
  }

  /** Never in Jest's own process (`serial`): a test file may replace its timers. */
  async runIn(maxWorkers, tests, watcher, options) {
    if (tests.length === 0) return;
    this._globalConfig = { ...this._globalConfig, maxWorkers };
    await super.runTests(tests, watcher, { ...options, serial: false });
  }
};
