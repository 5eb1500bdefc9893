import { startGateway, type GatewaySetup } from '../support/gateway.js';
import { startGatewayPair } from '../support/gateway-pair.js';
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
    const pair = await startGatewayPair(setup);
    const balancer = await startContraryBalancer([pair.ownerUrl, pair.otherUrl]);
    return {
      url: balancer.url,
      token: () => pair.token(),
      close: async () => {
        await balancer.close();
        await pair.close();
      },
    };
  },
};

export const WORKERS: readonly WorkersKind[] = [ONE_WORKER, TWO_WORKERS];
