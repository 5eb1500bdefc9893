/**
 * The imports that are allowed (docs/architecture.md). `ARROWS` lists, for each folder of `src`, the folders whose code it
 * may call; a folder that is not listed may import no other one. Types (`import type`) may also come from the folders that
 * those reach. Specs may import every folder. The front door of a folder is its `index.ts`; other folders import it only
 * through that file.
 */
const ARROWS = {
  metrics: ['cluster', 'calls', 'connections', 'session-pool', 'telemetry', 'lifecycle', 'database', 'coordination'],
  // Runs the gateway that the files at the top of `src` compose; only they import it.
  bootstrap: ['auth', 'lifecycle', 'registry', 'database', 'data-folder', 'cluster', 'embedded-redis', 'logging'],
  admin: [
    'auth',
    'memberships',
    'calls',
    'connections',
    'session-pool',
    'workers',
    'lifecycle',
    'policy',
    'upstream',
    'registry',
    'audit',
    'client-address',
    'tokens',
    'gate',
    'catalog',
    'items',
    'database',
    'data-folder',
  ],
  transport: [
    'auth',
    'audit',
    'client-address',
    'dispatch',
    'catalog',
    'affinity',
    'telemetry',
    'workers',
    'lifecycle',
  ],
  auth: ['client-address', 'data-folder', 'memberships', 'registry', 'tokens'],
  dispatch: [
    'gate',
    'catalog',
    'registry',
    'limits',
    'items',
    'subscriptions',
    'affinity',
    'calls',
    'connections',
    'telemetry',
    'workers',
  ],
  gate: ['catalog', 'items', 'registry'],
  limits: ['registry', 'coordination'],
  items: ['registry', 'database'],
  catalog: ['memberships', 'policy', 'registry'],
  memberships: ['registry'],
  policy: ['registry'],
  // Routes to the owner of a session, whose calls, connections, subscriptions and streams are folders below.
  affinity: [
    'calls',
    'connections',
    'subscriptions',
    'session-pool',
    'telemetry',
    'workers',
    'upstream',
    'registry',
    'data-folder',
    'coordination',
    'lifecycle',
  ],
  calls: ['connections', 'session-pool', 'telemetry', 'workers', 'data-folder', 'coordination'],
  subscriptions: ['connections', 'catalog', 'upstream', 'registry'],
  connections: ['session-pool', 'workers', 'upstream', 'registry'],
  'session-pool': ['workers', 'coordination', 'data-folder'],
  telemetry: ['logging', 'workers'],
  workers: ['coordination', 'data-folder'],
  upstream: ['registry'],
  registry: ['database', 'data-folder'],
  audit: ['client-address', 'database'],
  'client-address': [],
  tokens: ['database'],
  database: ['data-folder'],
  'data-folder': [],
  coordination: [],
  lifecycle: [],
  logging: [],
  'landing-page': [],
  // The primary process starts workers and does not depend on their code.
  cluster: [],
  'embedded-redis': [],
  // A separate program, started as a child process like any other server.
  'sample-server': [],
};

/** Settings of the whole process. The other files at the top of `src` compose the modules, and no module imports them. */
const SHARED_TOP_FILES = '^src/gateway\\.config\\.ts$';
/** Exports of a folder that only tests need. */
const TESTING_DOOR = '^(src/[^/]+/testing|libs/[^/]+/testing/index)\\.ts$';
const TEST_CODE = '((\\.(spec|e2e)|-fixture)|^src/[^/]+/testing|^libs/[^/]+/testing/index)\\.ts$';
const PRODUCT = '^(src|libs/(?!testing/))';
const PROGRAMS = '(^|/)(main|run|[^/]+-(cli|main))\\.ts$';

/** All folders that a folder reaches through the arrows. */
function foldersBelow(folder, seen = new Set()) {
  for (const next of ARROWS[folder]) {
    if (seen.has(next)) continue;
    seen.add(next);
    foldersBelow(next, seen);
  }
  return [...seen];
}

const only = (folders) => `^src/(${folders.join('|')})/`;
const named = (folders) => (folders.length > 0 ? folders.join(', ') : 'nothing of src');

const arrowRules = Object.entries(ARROWS).flatMap(([folder, next]) => {
  const from = { path: only([folder]), pathNot: TEST_CODE };
  const below = foldersBelow(folder);
  return [
    {
      name: `arrows-of-${folder}`,
      comment: `src/${folder} may call code of ${named(next)}, and of libs.`,
      severity: 'error',
      from,
      to: { path: only(below), pathNot: only([folder, ...next]), dependencyTypesNot: ['type-only'] },
    },
    {
      name: `types-of-${folder}`,
      comment: `src/${folder} may import types of ${named(below)}, and of no other folder.`,
      severity: 'error',
      from,
      to: { path: '^src/[^/]+/', pathNot: only([folder, ...below]) },
    },
  ];
});

export default {
  forbidden: [
    ...arrowRules,
    {
      name: 'every-folder-states-its-arrows',
      comment: 'Add the folder to ARROWS, with the folders that it may import.',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: [TEST_CODE, `^src/(${Object.keys(ARROWS).join('|')})/`] },
      to: { path: '^src/', pathNot: ['^src/$1/', SHARED_TOP_FILES] },
    },
    {
      name: 'nothing-imports-the-top',
      comment:
        'Files at the top of src compose the modules, and src/bootstrap runs them. Move what a module needs to a folder below it.',
      severity: 'error',
      from: { path: ['^src/[^/]+/', '^libs/'], pathNot: ['^src/bootstrap/', TEST_CODE] },
      to: { path: '^src/[^/]+\\.ts$', pathNot: SHARED_TOP_FILES },
    },
    {
      name: 'front-doors-of-src',
      comment: 'Import another folder through its index.ts.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$', TESTING_DOOR] },
    },
    {
      name: 'front-doors-from-outside',
      comment: 'Import a folder of src through its index.ts.',
      severity: 'error',
      from: { path: ['^src/[^/]+\\.ts$', '^test/'] },
      to: { path: '^src/[^/]+/', pathNot: ['^src/[^/]+/index\\.ts$', TESTING_DOOR] },
    },
    {
      name: 'front-doors-of-libs',
      comment:
        'Import a library as #lib/<name>, which is its index.ts. Each folder of libs/testing has its own index.ts.',
      severity: 'error',
      from: { path: ['^(?:src|test)/', '^libs/([^/]+)/'] },
      to: {
        path: '^libs/[^/]+/',
        pathNot: ['^libs/$1/', '^libs/[^/]+/index\\.ts$', '^libs/testing/[^/]+/index\\.ts$', TESTING_DOOR],
      },
    },
    {
      name: 'libs-do-not-import-src',
      comment: 'A library does not depend on the product.',
      severity: 'error',
      from: { path: '^libs/', pathNot: '^libs/testing/' },
      to: { path: '^(src|test)/' },
    },
    {
      name: 'the-protocol-library-is-pure',
      comment: 'libs/mcp-protocol imports no other code, not even modules of Node.',
      severity: 'error',
      from: { path: '^libs/mcp-protocol/', pathNot: TEST_CODE },
      to: { pathNot: '^libs/mcp-protocol/' },
    },
    {
      name: 'the-product-needs-no-test-code',
      comment: 'Fixtures, specs and testing doors are for tests only.',
      severity: 'error',
      from: { path: PRODUCT, pathNot: TEST_CODE },
      to: { path: ['^test/', '^libs/testing/', TEST_CODE] },
    },
    {
      name: 'the-product-runs-on-dependencies',
      comment: 'Development dependencies are not installed in production.',
      severity: 'error',
      from: { path: PRODUCT, pathNot: TEST_CODE },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'] },
    },
    {
      name: 'declared-packages-only',
      comment: 'Add the package to package.json. It is installed only as a dependency of another package.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'resolvable',
      comment: 'The imported file or package does not exist.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-circles',
      comment: 'When two files need each other, move what they share to a third one.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'No file imports this file, and it imports no other one.',
      severity: 'error',
      from: { orphan: true, pathNot: [TEST_CODE, PROGRAMS, '^scripts/', '^libs/[^/]+/index\\.ts$', '\\.d\\.ts$'] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|data)/' },
    // Imports of types count as well.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.depcruise.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
