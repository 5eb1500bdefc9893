/** Unit, end-to-end and conformance tests share one runner; real processes run the built `dist`. See docs/testing.md. */
export default {
  // Sets the factor by which tests multiply their deadlines on this machine, once per run.
  globalSetup: '<rootDir>/scripts/measure-machine.mjs',
  roots: ['<rootDir>/src', '<rootDir>/libs', '<rootDir>/test', '<rootDir>/ui/src'],
  testMatch: ['**/*.spec.ts', '**/*.e2e.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  extensionsToTreatAsEsm: ['.ts'],
  // Test files run in long-lived processes, without a virtual machine for each: shared modules are loaded once.
  runner: '<rootDir>/scripts/jest/runner.cjs',
  runtime: '<rootDir>/scripts/jest/native-runtime.cjs',
  testEnvironment: '<rootDir>/scripts/jest/native-environment.cjs',
  testSequencer: '<rootDir>/scripts/jest/longest-first.cjs',
  maxWorkers: 2,
  // Ends tests that hang, but none that are merely slow on a loaded machine.
  testTimeout: 300_000,
  reporters: ['default', '<rootDir>/scripts/summary-reporter.mjs'],
  // Coverage of the engine itself: instrumented code would change the decorators' metadata.
  coverageProvider: 'v8',
  coverageDirectory: 'coverage',
  collectCoverageFrom: [
    'src/**/*.ts',
    'libs/**/*.ts',
    // The page itself runs in a browser (test/e2e/admin-page).
    'ui/src/mcp/*.ts',
    'ui/src/components/json/*.ts',
    '!**/*{.spec,.e2e,-fixture}.ts',
    '!**/{main,*-cli}.ts',
    '!libs/testing/**',
  ],
  coverageReporters: ['text-summary', 'json-summary'],
};
