/**
 * Who may import whom (docs/architecture.md). A new folder of `src` states its arrows here; a folder that is not
 * listed may import nothing of `src`. A type may be named from any depth below, what runs only one arrow down.
 * Specs may look wherever they like, through front doors.
 */
const ARROWS = {
  // Runs what the files at the top of `src` compose; only they import it.
  bootstrap: ['auth', 'lifecycle', 'registry', 'database', 'data-folder', 'cluster', 'embedded-redis', 'logging'],
  admin: [
    'auth',
    'calls',
    'connections',
    'session-pool',
    'workers',
    'lifecycle',
    'policy',
    'upstream',
    'registry',
    'audit',
    'tokens',
    'items',
    'database',
    'data-folder',
  ],
  transport: ['auth', 'dispatch', 'catalog', 'affinity', 'workers', 'lifecycle'],
  auth: ['data-folder', 'registry', 'tokens'],
  dispatch: ['catalog', 'registry', 'limits', 'items', 'subscriptions', 'affinity', 'calls', 'connections'],
  limits: ['registry', 'coordination'],
  items: ['registry', 'database'],
  catalog: ['policy', 'registry'],
  policy: ['registry'],
  // Where a session is: its calls, its connections, its subscriptions and its streams are each a folder below.
  affinity: [
    'calls',
    'connections',
    'subscriptions',
    'session-pool',
    'workers',
    'upstream',
    'registry',
    'data-folder',
    'coordination',
    'lifecycle',
  ],
  calls: ['connections', 'session-pool', 'workers', 'data-folder'],
  subscriptions: ['connections', 'catalog', 'upstream', 'registry'],
  connections: ['session-pool', 'workers', 'upstream', 'registry'],
  'session-pool': ['workers', 'coordination', 'data-folder'],
  workers: ['coordination', 'data-folder'],
  upstream: ['registry'],
  registry: ['database', 'data-folder'],
  audit: ['database'],
  tokens: ['database'],
  database: ['data-folder'],
  'data-folder': [],
  coordination: [],
  lifecycle: [],
  logging: [],
  'landing-page': [],
  // The primary process of several workers knows nothing of what they do.
  cluster: [],
  'embedded-redis': [],
  // A program of its own, started as a child process like any other server.
  'sample-server': [],
};

/** Settings of the whole process. Every other file at the top of `src` composes, and is imported by nobody below. */
const SHARED_TOP_FILES = '^src/gateway\\.config\\.ts$';
/** What only tests need of a folder has a door of its own. */
const TESTING_DOOR = '^(src/[^/]+/testing|libs/[^/]+/testing/index)\\.ts$';
const TEST_CODE = '((\\.(spec|e2e)|-fixture)|^src/[^/]+/testing|^libs/[^/]+/testing/index)\\.ts$';
const PRODUCT = '^(src|libs/(?!testing/))';
const PROGRAMS = '(^|/)(main|run|[^/]+-(cli|main))\\.ts$';

/** All that lies below a folder, however deep. */
function belowOf(folder, seen = new Set()) {
  for (const next of ARROWS[folder]) {
    if (seen.has(next)) continue;
    seen.add(next);
    belowOf(next, seen);
  }
  return [...seen];
}

const only = (folders) => `^src/(${folders.join('|')})/`;
const named = (folders) => (folders.length > 0 ? folders.join(', ') : 'nothing of src');

const lookDown = Object.entries(ARROWS).flatMap(([folder, next]) => {
  const from = { path: only([folder]), pathNot: TEST_CODE };
  const below = belowOf(folder);
  return [
    {
      name: `arrows-of-${folder}`,
      comment: `src/${folder} may use ${named(next)}, and libs.`,
      severity: 'error',
      from,
      to: { path: only(below), pathNot: only([folder, ...next]), dependencyTypesNot: ['type-only'] },
    },
    {
      name: `looks-down-${folder}`,
      comment: `src/${folder} lies above ${named(below)}; it may name types of those, and nothing of the rest.`,
      severity: 'error',
      from,
      to: { path: '^src/[^/]+/', pathNot: only([folder, ...below]) },
    },
  ];
});

export default {
  forbidden: [
    ...lookDown,
    {
      name: 'every-folder-states-its-arrows',
      comment: 'Add the folder to ARROWS: what lies below it?',
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: [TEST_CODE, `^src/(${Object.keys(ARROWS).join('|')})/`] },
      to: { path: '^src/', pathNot: ['^src/$1/', SHARED_TOP_FILES] },
    },
    {
      name: 'nothing-imports-the-top',
      comment:
        'Files at the top of src compose the modules, and src/bootstrap runs them; what a module needs belongs below it.',
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
        'Import a library as #lib/<name>: its index.ts is the door of the product. libs/testing has a door per fixture.',
      severity: 'error',
      from: { path: ['^(?:src|test)/', '^libs/([^/]+)/'] },
      to: {
        path: '^libs/[^/]+/',
        pathNot: ['^libs/$1/', '^libs/[^/]+/index\\.ts$', '^libs/testing/[^/]+/index\\.ts$', TESTING_DOOR],
      },
    },
    {
      name: 'libs-never-see-src',
      comment: 'A library knows nothing of the product.',
      severity: 'error',
      from: { path: '^libs/', pathNot: '^libs/testing/' },
      to: { path: '^(src|test)/' },
    },
    {
      name: 'the-protocol-library-is-pure',
      comment: 'libs/mcp-protocol imports nothing, not even from Node.',
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
      comment: 'A development dependency is not there in production.',
      severity: 'error',
      from: { path: PRODUCT, pathNot: TEST_CODE },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm', 'type-only'] },
    },
    {
      name: 'declared-packages-only',
      comment: 'Add the package to package.json: it is here by chance.',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'resolvable',
      comment: 'This import leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-circles',
      comment: 'When two files want each other, find the third thing that they share.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'Nobody imports this file, and it imports nobody.',
      severity: 'error',
      from: { orphan: true, pathNot: [TEST_CODE, PROGRAMS, '^scripts/', '^libs/[^/]+/index\\.ts$', '\\.d\\.ts$'] },
      to: {},
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage|data)/' },
    // Types count: a type that looks up is an arrow that looks up.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.depcruise.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
