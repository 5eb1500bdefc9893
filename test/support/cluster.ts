import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#lib/extension-kit';
import { AuthConfig, TokenIssuer } from '../../src/auth/index.js';
import type { TokenOptions } from '../../src/auth/testing.js';
import { DataFolder } from '../../src/data-folder/index.js';
import type { GatewaySetup } from './gateway.js';
import { GatewayProcess } from './gateway-process.js';
import { NO_HEALTH_CHECKS } from './no-health-checks.js';

const ENDING: ReadonlySet<NodeJS.Signals> = new Set(['SIGKILL', 'SIGTERM', 'SIGINT']);
const READY = /Isthmus is ready at (http:\/\/\S+)\/mcp/;

export interface ClusterSetup extends GatewaySetup {
  /** How many gateways to start at once. */
  readonly workers: number;
  /** `redis://127.0.0.1:port`, often behind a fault proxy. Absent for workers that do not know each other. */
  readonly redis?: string;
}

/** One gateway of a cluster: a separate process with its own port. */
export interface ClusterWorker {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly pid: number;
  /** Everything it has printed to standard output and standard error. */
  readonly output: string;
  /** False from the moment at which it ends or is sent a signal that ends it. */
  readonly isRunning: boolean;
  /** The exit code once it has ended; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  /** Sends a signal without waiting for its effect: SIGSTOP freezes the worker, SIGCONT thaws it. */
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the match once it was printed. Rejects when the worker ends without it. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Several gateways that share secrets, configuration and Redis, as on several machines behind a load balancer. */
export interface TestCluster {
  /** All workers in the order of their start, including ended ones. */
  readonly workers: readonly ClusterWorker[];
  /** Their common data folder. */
  readonly folder: string;
  /** Starts another gateway with its own `env`. Resolves when it listens. */
  addWorker(env?: Readonly<Record<string, string>>): Promise<ClusterWorker>;
  /** Issues a token that every worker accepts. Default subject: `tester`. */
  token(order?: Partial<TokenOptions>): Promise<string>;
  /** Replaces the configuration file, which the workers reload by themselves. */
  configure(setup: Omit<GatewaySetup, 'env'>): Promise<void>;
  /** Kills all workers, including frozen ones, and removes their folder. */
  stop(): Promise<void>;
}

/** Starts real gateway processes from the build. Resolves when all of them listen. */
export async function startCluster({ workers, redis, env = {}, ...configuration }: ClusterSetup): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-cluster-'));
  const file = join(folder, 'isthmus.json');
  const configure = (setup: Omit<GatewaySetup, 'env'>) => writeFile(file, JSON.stringify(setup));
  await configure(configuration);
  // Creates the secrets before any worker starts, so that no worker counts as the first and prints a token.
  const issuer = new TokenIssuer(await DataFolder.open(folder), new AuthConfig(), new SystemClock());
  const shared = {
    ISTHMUS_DATA_DIR: folder,
    ISTHMUS_CONFIG: file,
    ISTHMUS_PORT: '0',
    ...(redis !== undefined && { ISTHMUS_REDIS_URL: redis }),
    ...NO_HEALTH_CHECKS,
    ...env,
  };
  const started: ProcessWorker[] = [];
  const addWorker = async (own: Readonly<Record<string, string>> = {}) => {
    const worker = new ProcessWorker({ ...shared, ...own });
    started.push(worker);
    await worker.listens();
    return worker;
  };
  const stop = async () => {
    await Promise.all(started.map((worker) => worker.destroy()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all(Array.from({ length: workers }, () => addWorker()));
  } catch (fault) {
    await stop();
    throw fault;
  }
  return {
    workers: started,
    folder,
    addWorker,
    token: (order) => issuer.issue({ subject: 'tester', expiresInSeconds: 600, ...order }),
    configure,
    stop,
  };
}

class ProcessWorker implements ClusterWorker {
  url = '';
  isRunning = true;
  readonly ended: Promise<number | null>;
  private readonly process: GatewayProcess;

  constructor(env: Readonly<Record<string, string>>) {
    this.process = new GatewayProcess(env);
    this.ended = this.process.exit().finally(() => (this.isRunning = false));
  }

  get pid(): number {
    return this.process.pid;
  }

  get output(): string {
    return this.process.output;
  }

  async listens(): Promise<void> {
    const [, url = ''] = await this.process.printed(READY);
    this.url = url;
  }

  kill(signal: NodeJS.Signals): void {
    if (ENDING.has(signal)) this.isRunning = false;
    this.process.signal(signal);
  }

  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.process.printed(pattern);
  }

  destroy(): Promise<void> {
    return this.process.destroy();
  }
}
