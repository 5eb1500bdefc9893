import type { Type } from '@nestjs/common';
import { startRedis } from '#lib/testing/redis-server';
import { startCluster } from '../support/cluster.js';
import { startGateway, type GatewaySetup } from '../support/gateway.js';
import { startMisroutingBalancer } from './misrouting-balancer.js';

/** The endpoint of the gateway that a client connects to: that of one server, or that of all servers. */
export type EndpointKind = 'transparent' | 'default';

/** An extension of the gateway: as a module of this process, and as the file that other processes load. */
export interface LoadedExtension {
  readonly module: Type;
  readonly file: string;
}

/** Started workers, and the address under which clients reach them. */
export interface RunningWorkers {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  token(): Promise<string>;
  close(): Promise<void>;
}

/** A number of workers, and the load balancer in front of them. */
export interface WorkersKind {
  readonly name: string;
  /** A sentence. */
  readonly description: string;
  /** The endpoints at which its cells are tested. */
  readonly endpoints: readonly EndpointKind[];
  start(setup: GatewaySetup, extension?: LoadedExtension): Promise<RunningWorkers>;
}

export const ONE_WORKER: WorkersKind = {
  name: 'one worker',
  description: 'A single gateway without Redis.',
  endpoints: ['transparent', 'default'],
  start: (setup, extension) => startGateway({ ...setup, ...(extension && { extensions: [extension.module] }) }),
};

export const TWO_WORKERS: WorkersKind = {
  name: 'two workers',
  description:
    'Two gateways that share a Redis. A load balancer routes every request to the wrong worker: a request with a ' +
    'session id to the worker that does not own the session, a call that is repeated with answers to the worker that ' +
    'did not serve it before.',
  endpoints: ['transparent'],
  async start(setup, extension) {
    const redis = await startRedis();
    const env = { ...setup.env, ...(extension && { ISTHMUS_EXTENSIONS: extension.file }) };
    const cluster = await startCluster({ ...setup, env, workers: 0, redis: redis.url });
    const stop = async () => {
      await cluster.stop();
      await redis.stop();
    };
    try {
      // Started one after the other, so that the second worker finds the first one and is ready only then.
      const [first, second] = [await cluster.addWorker(), await cluster.addWorker()];
      const balancer = await startMisroutingBalancer([first.url, second.url]);
      const close = () => balancer.close().then(stop);
      return { url: balancer.url, token: () => cluster.token(), close };
    } catch (fault) {
      await stop();
      throw fault;
    }
  },
};

export const WORKERS: readonly WorkersKind[] = [ONE_WORKER, TWO_WORKERS];
