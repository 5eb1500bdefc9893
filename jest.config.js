/** Unit, end-to-end and conformance tests share one runner; real processes run the built `dist`. */
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  moduleNameMapper: {
    '^#lib/(.*)$': '<rootDir>/libs/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  roots: ['<rootDir>/src', '<rootDir>/libs', '<rootDir>/test'],
  // Counts what ran, by the engine itself: instrumented code would change the decorators' metadata.
  coverageProvider: 'v8',
  // Sets what deadlines of tests are multiplied by on this machine, once per run.
  globalSetup: '<rootDir>/scripts/measure-machine.mjs',
};

const ALL = ['**/*.spec.ts', '**/*.e2e.ts'];

/** Hold deadlines against real processes, so a second such file beside them would be measured as well. */
const WITH_DEADLINES = [
  '<rootDir>/test/cluster/',
  '<rootDir>/test/e2e/first-call',
  '<rootDir>/test/e2e/hostile-lists',
  '<rootDir>/test/e2e/thousand-listeners',
  '<rootDir>/src/embedded-redis/',
  '<rootDir>/src/database/outages',
  '<rootDir>/src/cluster/worker-crew',
  '<rootDir>/src/registry/sharing',
  '<rootDir>/libs/redis/',
  '<rootDir>/libs/worker-bus/bus-over-redis',
  '<rootDir>/libs/worker-bus/relays/redis-',
];

export default {
  projects: [
    { ...common, displayName: 'beside', testMatch: ALL, testPathIgnorePatterns: ['/node_modules/', ...WITH_DEADLINES] },
    {
      ...common,
      displayName: 'alone',
      runner: '<rootDir>/scripts/one-at-a-time-runner.cjs',
      testMatch: WITH_DEADLINES.flatMap((path) => [`${path}**/*.{spec,e2e}.ts`, `${path}*.{spec,e2e}.ts`]),
    },
  ],
  maxWorkers: 2,
  // Ends what hangs, and nothing that a full machine is slow at.
  testTimeout: 300_000,
  reporters: ['default', '<rootDir>/scripts/summary-reporter.mjs'],
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
