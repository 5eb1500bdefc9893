import type { Package } from './server-json.js';

/** The parts of a command line around what the document says. */
export interface CommandLine {
  /** Names of the environment variables that have a value. */
  readonly variables: readonly string[];
  readonly runtimeArguments: readonly string[];
  readonly packageArguments: readonly string[];
}

/** How packages of one type are started. */
export interface PackageRunner {
  /** The commands that can start the package; the first is the default. */
  readonly commands: readonly string[];
  readonly identifier: RegExp;
  /** The registry that the command uses by itself. */
  readonly isOwnRegistry: (url: URL) => boolean;
  /** Returns the package as the command names it. */
  nameOf(source: Package): string;
  argumentsOf(source: Package, line: CommandLine, command: string): readonly string[];
}

const atVersion = ({ identifier, version }: Package): string =>
  version === undefined ? identifier : `${identifier}@${version}`;

const hostIs =
  (...hosts: readonly string[]) =>
  ({ hostname }: URL): boolean =>
    hosts.includes(hostname);

/** An option that names the registry, where it is not the command's own. */
function registryOption({ registryBaseUrl }: Package, runner: PackageRunner, option: string): readonly string[] {
  const url = URL.parse(registryBaseUrl ?? '');
  return url === null || runner.isOwnRegistry(url) ? [] : [`${option}=${url.href}`];
}

/** Returns options that the arguments do not contain yet. */
const without = (present: readonly string[], ...options: readonly (readonly string[])[]): readonly string[] =>
  options.flatMap((names) => (names.some((name) => present.includes(name)) ? [] : names.slice(0, 1)));

const NPM: PackageRunner = {
  commands: ['npx', 'bunx'],
  identifier: /^(?:@[a-z\d~][\w.~-]*\/)?[a-z\d~][\w.~-]*$/i,
  isOwnRegistry: hostIs('registry.npmjs.org'),
  nameOf: atVersion,
  argumentsOf(source, { runtimeArguments, packageArguments }, command) {
    const yes = command === 'npx' ? without(runtimeArguments, ['-y', '--yes']) : [];
    const registry = registryOption(source, NPM, '--registry');
    return [...yes, ...registry, ...runtimeArguments, atVersion(source), ...packageArguments];
  },
};

const PYPI: PackageRunner = {
  commands: ['uvx'],
  identifier: /^[a-z\d][\w.-]*$/i,
  isOwnRegistry: hostIs('pypi.org'),
  nameOf: atVersion,
  argumentsOf(source, { runtimeArguments, packageArguments }) {
    const registry = registryOption(source, PYPI, '--default-index');
    return [...registry, ...runtimeArguments, atVersion(source), ...packageArguments];
  },
};

const NUGET: PackageRunner = {
  commands: ['dnx'],
  identifier: /^\w[\w.-]*$/,
  isOwnRegistry: hostIs('api.nuget.org', 'www.nuget.org', 'nuget.org'),
  nameOf: atVersion,
  argumentsOf(source, { runtimeArguments, packageArguments }) {
    const yes = without(runtimeArguments, ['--yes', '-y']);
    const registry = registryOption(source, NUGET, '--source');
    const own = packageArguments.length === 0 ? [] : ['--', ...packageArguments];
    return [atVersion(source), ...yes, ...registry, ...runtimeArguments, ...own];
  },
};

const OCI: PackageRunner = {
  commands: ['docker', 'podman'],
  identifier: /^[a-z\d][\w.:-]*(?:\/[\w.:-]+)*(?:@[a-z\d]+:[a-f\d]+)?$/i,
  isOwnRegistry: hostIs('docker.io', 'hub.docker.com', 'registry-1.docker.io', 'index.docker.io'),
  nameOf(source) {
    const { identifier, version } = source;
    const isComplete = version === undefined || /@|:[^/]+$/.test(identifier);
    const tag = isComplete ? '' : `${version.includes(':') ? '@' : ':'}${version}`;
    const url = URL.parse(source.registryBaseUrl ?? '');
    const [first = ''] = identifier.split('/');
    const namesHost = identifier.includes('/') && /[.:]|^localhost$/.test(first);
    const host = url === null || namesHost || OCI.isOwnRegistry(url) ? '' : `${url.host}/`;
    return `${host}${identifier}${tag}`;
  },
  argumentsOf(source, { runtimeArguments: given, packageArguments, variables }) {
    const runtimeArguments = given[0] === 'run' ? given.slice(1) : given;
    const interactive = without(runtimeArguments, ['-i', '--interactive', '-it', '--interactive=true']);
    const removed = without(runtimeArguments, ['--rm', '--rm=true']);
    const passed = variables.flatMap((name) => (passes(runtimeArguments, name) ? [] : ['-e', name]));
    return ['run', ...interactive, ...removed, ...passed, ...runtimeArguments, OCI.nameOf(source), ...packageArguments];
  },
};

/** True if the options of a container pass a variable already. */
const passes = (options: readonly string[], name: string): boolean =>
  options.some((option) => {
    const text = option.replace(/^(?:--env=|-e=?)/, '');
    return text === name || text.startsWith(`${name}=`);
  });

const RUNNERS: ReadonlyMap<string, PackageRunner> = new Map([
  ['npm', NPM],
  ['pypi', PYPI],
  ['nuget', NUGET],
  ['oci', OCI],
]);

const INSTALL = 'Install it, and add its program as a server with transport stdio.';

/** Returns how a package is started, or why it cannot be. */
export function findRunner(source: Package): PackageRunner | string {
  const { registryType, transport } = source;
  if (registryType === 'mcpb') return `An mcpb package is an archive, which the gateway does not unpack. ${INSTALL}`;
  const runner = RUNNERS.get(registryType);
  if (!runner) {
    return `No program starts packages of this type without installing them: only npm, pypi, oci and nuget. ${INSTALL}`;
  }
  if (transport !== 'stdio') {
    return 'The package listens at a URL, and the gateway talks to the programs that it starts over stdio. Start it, and add its URL.';
  }
  return runner;
}

/** Returns what is wrong with the members of a package, with the places. */
export function findPackageFaults(source: Package, runner: PackageRunner): readonly string[] {
  const { at, identifier, registryType, registryBaseUrl } = source;
  const isNamed = runner.identifier.test(identifier);
  return [
    ...(isNamed ? [] : [`${at}.identifier must be the name of a package of ${registryType}`]),
    ...(registryBaseUrl === undefined || isRegistryUrl(registryBaseUrl)
      ? []
      : [`${at}.registryBaseUrl ${REGISTRY_URL}`]),
  ];
}

const REGISTRY_URL = 'must be an https URL without user name, password, query and fragment';

/** The other parts of a URL have no meaning there, and would reach the command line as they are. */
function isRegistryUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' && url.username + url.password + url.search + url.hash === '';
}
