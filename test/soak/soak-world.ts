import { readFile, readdir } from 'node:fs/promises';
import { startRedis, type RunningRedis } from '#lib/testing/redis-server';
import { startCluster, type ClusterWorker, type TestCluster } from '../support/cluster.js';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';
import type { CallLedger } from './call-ledger.js';
import { startServers, type SoakServers } from './servers.js';

const WORKERS = 3;
const SETTINGS = {
  ISTHMUS_SESSION_IDLE: '20s',
  ISTHMUS_UPSTREAM_IDLE: '20s',
  ISTHMUS_QUESTION_TIMEOUT: '5s',
  ISTHMUS_KEEP_ALIVE: '2s',
};
/** Output that no worker may print: unexpected errors. */
const UNEXPECTED_OUTPUT =
  /unhandled|uncaught|TypeError|RangeError|ReferenceError|Maximum call stack|out of memory|MaxListeners/i;

/** The slot of a worker, occupied by one process after another. */
export class WorkerSlot {
  /** When its worker was last killed, drained or frozen. Calls at that time may remain unanswered. */
  disturbedAtMs = 0;
  /** Set while no worker listens, as a load balancer would detect. */
  isDown = false;

  constructor(
    readonly name: string,
    public worker: ClusterWorker,
  ) {}

  get url(): string {
    return this.worker.url;
  }

  markDisturbed(): void {
    this.disturbedAtMs = performance.now();
  }
}

/** Workers, Redis behind a fault proxy, and upstream servers. */
export interface SoakWorld {
  readonly slots: readonly WorkerSlot[];
  readonly redis: RunningRedis;
  readonly wire: FaultProxy;
  readonly servers: SoakServers;
  readonly token: string;
  /** Starts a new worker in the slot of one that ends. */
  replace(slot: WorkerSlot): Promise<void>;
  /** The output of each worker, by process id. */
  outputs(): Readonly<Record<string, string>>;
  /** Reports every worker that ended by itself or printed an unexpected error. */
  inspect(ledger: CallLedger): void;
  close(): Promise<void>;
}

export async function startSoakWorld(lifetimeSeconds: number): Promise<SoakWorld> {
  const [redis, servers] = await Promise.all([startRedis(), startServers()]);
  const wire = await startFaultProxy(redis.url);
  const cluster: TestCluster = await startCluster({
    workers: WORKERS,
    redis: `redis://${wire.address}`,
    servers: servers.definitions,
    env: SETTINGS,
  });
  const slots = cluster.workers.map((worker, index) => new WorkerSlot(`worker ${index}`, worker));
  const expected = new Set<number>();
  const replace = async (slot: WorkerSlot): Promise<void> => {
    expected.add(slot.worker.pid);
    slot.isDown = true;
    slot.worker = await cluster.addWorker();
    slot.isDown = false;
  };
  const close = async (): Promise<void> => {
    await cluster.stop();
    await wire.close();
    await redis.stop();
    await servers.close();
  };
  const token = await cluster.token({ expiresInSeconds: lifetimeSeconds });
  const inspect = (ledger: CallLedger): void => inspectOutput(cluster, expected, ledger);
  const outputs = () => Object.fromEntries(cluster.workers.map(({ pid, output }) => [String(pid), output]));
  return { slots, redis, wire, servers, token, replace, outputs, inspect, close };
}

function inspectOutput({ workers }: TestCluster, expected: ReadonlySet<number>, ledger: CallLedger): void {
  for (const { pid, output } of workers) {
    const lines = output.split('\n');
    const at = lines.findIndex((line) => UNEXPECTED_OUTPUT.test(line));
    if (at >= 0)
      ledger.reportViolation('a worker printed an error of its own', `${pid}: ${lines.slice(at, at + 6).join('\n')}`);
    if (!isAlive(pid) && !expected.has(pid)) {
      ledger.reportViolation('a worker ended by itself', `${pid}: ${lines.slice(-8).join('\n')}`);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Resident bytes and open files of a process (proc_pid_status(5)). */
export async function measureProcess(pid: number): Promise<{ readonly rss: number; readonly files: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  return { rss: Number(kib) * 1_024, files: (await readdir(`/proc/${pid}/fd`)).length };
}
