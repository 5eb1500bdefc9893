// Installs the services that tests start as processes (redis-server, nginx, PostgreSQL, Prometheus with promtool), and the
// library that Chromium needs, with the machine's package manager. Does nothing when all are installed; fails with one line when it cannot install a missing one. With
// --if-possible (before a test run) it installs only as root or in CI and never fails: the tests report missing
// services.
import { spawnSync } from 'node:child_process';

/** Package managers: their commands and their package for each program. */
const MANAGERS = [
  {
    name: 'apt-get',
    update: ['update'],
    install: ['install', '-y', '--no-install-recommends'],
    packages: {
      'redis-server': 'redis-server',
      nginx: 'nginx-light',
      postgres: 'postgresql',
      prometheus: 'prometheus',
      libnss3: 'libnss3',
    },
  },
  {
    name: 'dnf',
    install: ['install', '-y'],
    packages: {
      'redis-server': 'redis',
      nginx: 'nginx',
      postgres: 'postgresql-server',
      prometheus: 'golang-github-prometheus',
      libnss3: 'nss',
    },
  },
  {
    name: 'apk',
    install: ['add'],
    packages: { 'redis-server': 'redis', nginx: 'nginx', postgres: 'postgresql', prometheus: 'prometheus' },
  },
  {
    name: 'brew',
    install: ['install'],
    packages: { 'redis-server': 'redis', nginx: 'nginx', postgres: 'postgresql@17', prometheus: 'prometheus' },
  },
];

// Debian installs nginx in a folder that is only on root's path.
const env = {
  ...process.env,
  PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin`,
  DEBIAN_FRONTEND: 'noninteractive',
};
const run = (command, args, stdio = 'ignore') => spawnSync(command, args, { env, stdio }).status === 0;
// Neither Debian nor Homebrew adds the PostgreSQL server to the path. A library is no program.
const ELSEWHERE = {
  libnss3: 'ldconfig -p | grep -q libnss3',
  postgres: 'ls /usr/lib/postgresql/*/bin/postgres || ls "$(brew --prefix postgresql@17)/bin/postgres"',
};
const isMissing = (program) => !run('sh', ['-c', `command -v ${program} || ${ELSEWHERE[program] ?? 'false'}`]);
const NEEDED = ['redis-server', 'nginx', 'postgres', 'prometheus'];
// The browser of the tests runs on this platform only.
if (process.platform === 'linux' && process.arch === 'x64') NEEDED.push('libnss3');
const missing = () => NEEDED.filter(isMissing);

function install(programs) {
  const manager = MANAGERS.find(({ name }) => !isMissing(name));
  if (manager === undefined) return;
  if (manager.update) run(manager.name, manager.update);
  // Scripts of the package (starting a service) may fail in a container, which does not matter.
  run(manager.name, [...manager.install, ...programs.map((program) => manager.packages[program])], ['ignore', 2, 2]);
}

const ifPossible = process.argv.includes('--if-possible');
const mayInstall = !ifPossible || process.getuid?.() === 0 || process.env.CI !== undefined;
const needed = missing();
if (needed.length > 0 && mayInstall) install(needed);
const stillMissing = missing();
if (stillMissing.length > 0 && !ifPossible) {
  process.stderr.write(
    `Could not install ${stillMissing.join(' and ')}: install it by hand, because tests of several workers need it.\n`,
  );
  process.exit(1);
}
