import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#lib/testing/redis-server';
import { until } from '../support/until.js';
import { RULES } from './shipped-files.js';

/** One value of the answer to a query. */
export interface QueriedValue {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A Prometheus that scrapes one gateway every two seconds, with the shipped alerts. */
export interface PrometheusServer {
  /** Rejects with the message of Prometheus for an expression that it cannot evaluate. */
  query(expr: string): Promise<readonly QueriedValue[]>;
  /** Names of the alerts that Prometheus has evaluated, the last time without an error. */
  evaluatedAlerts(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/**
 * Starts Prometheus, with its data in a temporary folder.
 *
 * @param target address of the gateway, `127.0.0.1:port`, whose metrics require the token
 */
export async function startPrometheus(target: string, token: string): Promise<PrometheusServer> {
  const [folder, port] = [await mkdtemp(join(tmpdir(), 'isthmus-prometheus-')), await freePort()];
  const config = {
    // A gateway waits up to two seconds for its workers. After a scrape that took too long, its series have no value.
    global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '2s' },
    rule_files: [RULES],
    scrape_configs: [
      { job_name: 'isthmus', authorization: { credentials: token }, static_configs: [{ targets: [target] }] },
    ],
  };
  // JSON is YAML, too.
  await writeFile(join(folder, 'prometheus.yaml'), JSON.stringify(config));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const read = async (path: string): Promise<unknown> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: unknown; error?: string };
    if (status !== 'success') throw new Error(error);
    return data;
  };
  const isReady = (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`Prometheus ended with exit code ${child.exitCode}.`);
    return fetch(`http://127.0.0.1:${port}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await until(isReady).catch(async (cause: unknown) => {
    await stop();
    throw cause;
  });
  return {
    query: async (expr) => {
      const { result } = (await read(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as {
        result: readonly { metric: Record<string, string>; value: readonly [number, string] }[];
      };
      return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
    },
    evaluatedAlerts: async () => {
      const { groups } = (await read('/api/v1/rules')) as {
        groups: readonly { rules: readonly { name: string; health: string }[] }[];
      };
      return groups.flatMap(({ rules }) => rules.filter(({ health }) => health === 'ok').map(({ name }) => name));
    },
    stop,
  };
}
