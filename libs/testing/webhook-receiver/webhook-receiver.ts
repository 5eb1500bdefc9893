import { EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

const NO_CONTENT = 204;

/** A request as it arrived. */
export interface ReceivedWebhook {
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookReceiver {
  /** `http://127.0.0.1:port`; every path is received. */
  readonly url: string;
  /** In the order of their arrival. */
  readonly received: readonly ReceivedWebhook[];
  /** Statuses of the next responses; without any, 204. */
  readonly statuses: number[];
  /** Resolves once the condition holds; it is evaluated after each request. */
  until(condition: (received: readonly ReceivedWebhook[]) => boolean): Promise<void>;
  close(): Promise<void>;
}

/** Starts a receiver on a free port of this machine. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const statuses: number[] = [];
  const arrivals = new EventEmitter();
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    received.push({ headers: request.headers as Record<string, string>, body });
    // A redirect needs a place to point to.
    response.writeHead(statuses.shift() ?? NO_CONTENT, { location: '/elsewhere' }).end();
    arrivals.emit('request');
  };
  const server = createServer((request, response) => {
    receive(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    statuses,
    until: async (condition) => {
      while (!condition(received)) await once(arrivals, 'request');
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
