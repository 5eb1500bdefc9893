/**
 * The imports that are allowed (docs/architecture.md). `ARROWS` lists, for each folder of `src`, the folders whose code it
 * may call; a folder that is not listed may import no other one. Types (`import type`) may also come from the folders that
 * those reach. Specs may import every folder. The front door of a folder is its `index.ts`; other folders import it only
 * through that file.
 */
const ARROWS = {
  metrics: [
    'guardrails',
    'cluster',
    'audit',
    'transport',
    'auth',
    'dispatch',
    'limits',
    'calls',
    'connections',
    'session-pool',
    'upstream',
    'workers',
    'telemetry',
    'lifecycle',
    'database',
    'extensions',
    'server-checks',
    'coordination',
  ],
  // Runs the gateway that the files at the top of `src` compose; only they import it.
  'command-line': [
    'bootstrap',
    'cluster',
    'audit',
    'auth',
    'database',
    'data-folder',
    'extensions',
    'registry',
    'logging',
  ],
  bootstrap: [
    'auth',
    'extensions',
    'lifecycle',
    'registry',
    'database',
    'data-folder',
    'cluster',
    'embedded-redis',
    'logging',
  ],
  'admin-page': ['admin', 'audit', 'auth', 'client-address', 'page-sessions'],
  admin: [
    'approvals',
    'page-sessions',
    'telemetry',
    'guardrails',
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
    'usage',
    'client-address',
    'tokens',
    'gate',
    'catalog',
    'items',
    'database',
    'data-folder',
    'server-checks',
    'alerts',
    'events',
  ],
  transport: [
    'page-sessions',
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
  auth: ['client-address', 'data-folder', 'extensions', 'memberships', 'registry', 'tokens'],
  dispatch: [
    'audit',
    'extensions',
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
  // Wraps calls from above, because only there are names, policies and schemas known.
  interception: ['approvals', 'dispatch', 'calls', 'extensions', 'registry', 'session-pool', 'telemetry', 'gate'],
  approvals: ['audit', 'coordination', 'data-folder', 'events', 'workers'],
  gate: ['catalog', 'items', 'registry'],
  limits: ['registry', 'coordination', 'events'],
  items: ['registry', 'database', 'events'],
  catalog: ['extensions', 'memberships', 'policy', 'registry'],
  memberships: ['registry'],
  policy: ['extensions', 'registry'],
  extensions: [],
  'server-checks': [
    'connections',
    'coordination',
    'data-folder',
    'events',
    'lifecycle',
    'registry',
    'upstream',
    'workers',
  ],
  'page-sessions': ['coordination', 'data-folder'],
  // Routes to the owner of a session, whose calls, connections, subscriptions and streams are folders below.
  affinity: [
    'calls',
    'connections',
    'events',
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
  connections: ['extensions', 'session-pool', 'telemetry', 'workers', 'upstream', 'registry'],
  'session-pool': ['workers', 'coordination', 'data-folder'],
  telemetry: ['events', 'extensions', 'logging', 'workers'],
  workers: ['coordination', 'data-folder'],
  upstream: ['extensions', 'registry'],
  guardrails: ['interception', 'calls', 'items', 'extensions', 'registry'],
  registry: ['database', 'data-folder', 'events', 'extensions'],
  audit: ['events', 'telemetry', 'registry', 'workers', 'client-address', 'database', 'data-folder', 'lifecycle'],
  usage: ['telemetry', 'database', 'workers'],
  'client-address': [],
  tokens: ['database'],
  database: ['data-folder'],
  'data-folder': [],
  coordination: [],
  'readiness-checks': ['coordination', 'database', 'lifecycle', 'workers'],
  alerts: ['coordination', 'data-folder', 'events', 'registry'],
  events: ['extensions'],
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
  // A program is started by people and imported by nobody; it may use the whole product.
  const from = { path: only([folder]), pathNot: [TEST_CODE, PROGRAMS] };
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

/** The folders of `ui/src` that each of them may import, apart from packages and `ui/src/main.tsx`. */
const PAGE_ARROWS = {
  values: [],
  api: ['values'],
  navigation: [],
  components: ['api', 'navigation', 'values'],
  session: ['api', 'components', 'navigation'],
  mcp: ['values'],
  entries: ['api', 'components', 'navigation', 'session', 'values'],
  pages: ['api', 'components', 'entries', 'mcp', 'navigation', 'session', 'values'],
  app: ['api', 'components', 'navigation', 'session'],
};

const pageRules = [
  {
    name: 'the-page-uses-the-api-alone',
    comment:
      'The admin page knows the gateway by its OpenAPI document (npm run ui:api), and the gateway serves its build.',
    severity: 'error',
    from: { path: '^ui/' },
    to: { path: '^(src|libs|test)/' },
  },
  {
    name: 'nothing-imports-the-page',
    comment: 'The admin page is a program for browsers.',
    severity: 'error',
    from: { path: '^(src|libs|test)/' },
    to: { path: '^ui/' },
  },
  {
    name: 'a-page-imports-no-other-page',
    comment: 'Move what two pages need to ui/src/components, ui/src/entries or ui/src/api.',
    severity: 'error',
    from: { path: '^ui/src/pages/([^/]+)/' },
    to: { path: '^ui/src/pages/', pathNot: '^ui/src/pages/$1/' },
  },
  ...Object.entries(PAGE_ARROWS).map(([folder, next]) => ({
    name: `arrows-of-page-${folder}`,
    comment: `ui/src/${folder} may import ${named(next)}, each through its index.ts. A route.ts names its type.`,
    severity: 'error',
    from: { path: `^ui/src/${folder}/` },
    to: {
      path: '^ui/src/',
      pathNot: [
        `^ui/src/${folder}/`,
        ...next.map((each) => `^ui/src/${each}/index\\.ts$`),
        '^ui/src/app/page-route\\.ts$',
      ],
    },
  })),
];

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
        'Files at the top of src compose the modules, and src/bootstrap and src/command-line run them. Move what a module needs to a folder below it.',
      severity: 'error',
      from: {
        path: ['^src/[^/]+/', '^libs/'],
        pathNot: ['^src/(?:bootstrap|command-line)/', '^libs/testing/kit/', TEST_CODE],
      },
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
    ...pageRules,
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
      name: 'checks-use-the-kit-alone',
      comment: 'Built-in checks of guardrails are written as a team would: with the extension kit, and packages.',
      severity: 'error',
      from: { path: '^src/guardrails/checks/([^/]+)/', pathNot: TEST_CODE },
      to: { path: '^(src|libs|test)/', pathNot: ['^src/guardrails/checks/$1/', '^libs/extension-kit/index\\.ts$'] },
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
      // Tests of the admin page run with the packages of the project, not of its workspace.
      from: { pathNot: '^ui/src/.*(\\.spec|-fixture)\\.ts$' },
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
