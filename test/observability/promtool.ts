import { spawnSync } from 'node:child_process';

/** True where Prometheus is installed; scripts/install-test-services.mjs installs it. */
export const HAS_PROMETHEUS = spawnSync('promtool', ['--version']).status === 0;

/** Runs `promtool` and returns its exit code, and everything it printed. */
export function promtool(...args: readonly string[]): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}
