import { startRedis } from '#lib/testing/redis-server';
import { startCluster } from '../support/cluster.js';
import { startGateway, type GatewaySetup } from '../support/gateway.js';
import { startContraryBalancer } from './contrary-balancer.js';

/** Which endpoint of the gateway a client is given: one server's own, or that of all servers. */
export type EndpointKind = 'transparent' | 'default';

/** Gateways, and the address under which clients reach them. */
export interface RunningWorkers {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  token(): Promise<string>;
  close(): Promise<void>;
}

/** How many workers there are, and what stands before them. */
export interface WorkersKind {
  readonly name: string;
  /** A sentence. */
  readonly description: string;
  /** The endpoints that its cells are tried at. */
  readonly endpoints: readonly EndpointKind[];
  start(setup: GatewaySetup): Promise<RunningWorkers>;
}

export const ONE_WORKER: WorkersKind = {
  name: 'one worker',
  description: 'A gateway alone, without Redis.',
  endpoints: ['transparent', 'default'],
  start: startGateway,
};

export const TWO_WORKERS: WorkersKind = {
  name: 'two workers',
  description:
    'Two gateways that share a Redis. A balancer sends every request to the wrong one: what names a session to the ' +
    'worker that did not open it, a call that is repeated with answers to the one that did not take it.',
  endpoints: ['transparent'],
  async start(setup) {
    const redis = await startRedis();
    const cluster = await startCluster({ ...setup, workers: 0, redis: redis.url });
    const stop = async () => {
      await cluster.stop();
      await redis.stop();
    };
    try {
      // One after the other: the second finds the first, and says that it is there.
      const [first, second] = [await cluster.addWorker(), await cluster.addWorker()];
      const balancer = await startContraryBalancer([first.url, second.url]);
      const close = () => balancer.close().then(stop);
      return { url: balancer.url, token: () => cluster.token(), close };
    } catch (fault) {
      await stop();
      throw fault;
    }
  },
};

export const WORKERS: readonly WorkersKind[] = [ONE_WORKER, TWO_WORKERS];
