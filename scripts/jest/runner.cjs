// Jest runner: test files run in long-lived child processes, two beside each other; files that begin with `/** @runs-alone */`
// run afterwards, one at a time, because they hold deadlines against real processes.
// Jest loads runners with `require`, hence the extension.
const { readFileSync } = require('node:fs');
const { default: TestRunner } = require('jest-runner');

/** @param {{ path: string }} test */
const runsAlone = ({ path }) => readFileSync(path, 'utf8').startsWith('/** @runs-alone */');

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
    const alone = tests.filter(runsAlone);
    await this.runIn(
      this.maxWorkers,
      tests.filter((test) => !alone.includes(test)),
      watcher,
      options,
    );
    await this.runIn(1, alone, watcher, options);
  }

  /** Never in Jest's own process (`serial`): a test file may replace its timers. */
  async runIn(maxWorkers, tests, watcher, options) {
    if (tests.length === 0) return;
    this._globalConfig = { ...this._globalConfig, maxWorkers };
    await super.runTests(tests, watcher, { ...options, serial: false });
  }
};
