import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { CORES, canPin } from './pinned-process.js';

const PACKAGES = ['undici', 'fastify', '@nestjs/core', '@nestjs/platform-fastify'];

/** The machine and versions of a measurement, without which figures cannot be compared. */
export interface Machine {
  readonly date: string;
  readonly commit: string;
  readonly node: string;
  readonly packages: Readonly<Record<string, string>>;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Load average of the minute before the start. A value near the number of cores disturbs the measurement. */
  readonly loadBefore: number;
  readonly pinning: string;
}

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    packages: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    loadBefore: loadavg()[0] ?? 0,
    pinning: canPin
      ? `subject on core ${CORES.subject}, load generator on ${CORES.load}, server behind on ${CORES.upstream}`
      : 'none (taskset is missing, or there is one core only): figures of subjects disturb each other',
  };
}

function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  try {
    return (require(`${name}/package.json`) as { version: string }).version;
  } catch {
    return versionInFolder(require.resolve.paths(name) ?? [], name);
  }
}

/** A package whose `exports` hide its package.json. */
function versionInFolder(folders: readonly string[], name: string): string {
  for (const folder of folders) {
    try {
      return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return `${git('rev-parse', '--short=12', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'unknown';
  }
}
