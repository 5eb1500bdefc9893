/** Unit, end-to-end and conformance tests share one runner; real processes run the built `dist`. */
export default {
  testEnvironment: 'node',
  maxWorkers: 2,
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  moduleNameMapper: {
    '^#lib/(.*)$': '<rootDir>/libs/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  roots: ['<rootDir>/src', '<rootDir>/libs', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts', '**/*.e2e.ts'],
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/scripts/summary-reporter.mjs'],
  // Counts what ran, by the engine itself: instrumented code would change the decorators' metadata.
  coverageProvider: 'v8',
  coverageDirectory: 'coverage',
  collectCoverageFrom: [
    'src/**/*.ts',
    'libs/**/*.ts',
    '!**/*{.spec,.e2e,-fixture}.ts',
    '!**/{main,*-cli}.ts',
    '!libs/testing/**',
  ],
  coverageReporters: ['text-summary', 'json-summary'],
};
