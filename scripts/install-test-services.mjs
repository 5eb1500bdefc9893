// Installs what tests run as real processes, redis-server, nginx and PostgreSQL, with the package manager of this
// machine. Does nothing where all are there; fails with one line where it cannot install what is missing. Before a test
// run (--if-possible) it changes a machine only as root or in CI, and leaves it to the tests to say what they miss.
import { spawnSync } from 'node:child_process';

/** The name of each program's package, per package manager, and how that is called. */
const MANAGERS = [
  {
    name: 'apt-get',
    update: ['update'],
    install: ['install', '-y'],
    packages: { 'redis-server': 'redis-server', nginx: 'nginx-light', postgres: 'postgresql' },
  },
  {
    name: 'dnf',
    install: ['install', '-y'],
    packages: { 'redis-server': 'redis', nginx: 'nginx', postgres: 'postgresql-server' },
  },
  { name: 'apk', install: ['add'], packages: { 'redis-server': 'redis', nginx: 'nginx', postgres: 'postgresql' } },
  {
    name: 'brew',
    install: ['install'],
    packages: { 'redis-server': 'redis', nginx: 'nginx', postgres: 'postgresql@17' },
  },
];

// Debian keeps nginx where only root's path leads.
const env = {
  ...process.env,
  PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin`,
  DEBIAN_FRONTEND: 'noninteractive',
};
const run = (command, args, stdio = 'ignore') => spawnSync(command, args, { env, stdio }).status === 0;
// Neither Debian nor Homebrew has the server of PostgreSQL on the path.
const ELSEWHERE = {
  postgres: 'ls /usr/lib/postgresql/*/bin/postgres || ls "$(brew --prefix postgresql@17)/bin/postgres"',
};
const isMissing = (program) => !run('sh', ['-c', `command -v ${program} || ${ELSEWHERE[program] ?? 'false'}`]);
const missing = () => ['redis-server', 'nginx', 'postgres'].filter(isMissing);

function install(programs) {
  const manager = MANAGERS.find(({ name }) => !isMissing(name));
  if (manager === undefined) return;
  if (manager.update) run(manager.name, manager.update);
  // What its scripts do beside installing (starting a service) may fail in a container and does not matter.
  run(manager.name, [...manager.install, ...programs.map((program) => manager.packages[program])], ['ignore', 2, 2]);
}

const ifPossible = process.argv.includes('--if-possible');
const mayInstall = !ifPossible || process.getuid?.() === 0 || process.env.CI !== undefined;
const needed = missing();
if (needed.length > 0 && mayInstall) install(needed);
const stillMissing = missing();
if (stillMissing.length > 0 && !ifPossible) {
  process.stderr.write(
    `Could not install ${stillMissing.join(' and ')}: install by hand what tests of several workers need.\n`,
  );
  process.exit(1);
}
