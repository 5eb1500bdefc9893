// Jest runner for tests that hold deadlines against real processes: one file at a time, with no other beside it.
// Jest loads runners with `require`, hence the extension.
const { default: TestRunner } = require('jest-runner');

module.exports = class OneAtATimeRunner extends TestRunner {
  /**
   * @param {ConstructorParameters<typeof TestRunner>[0]} globalConfig
   * @param {ConstructorParameters<typeof TestRunner>[1]} context
   */
  constructor(globalConfig, context) {
    super({ ...globalConfig, maxWorkers: 1 }, context);
  }
};
