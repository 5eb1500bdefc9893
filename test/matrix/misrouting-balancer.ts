import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream';

/** A load balancer that routes every request to the worker that does not own its session or its earlier attempt. */
export interface MisroutingBalancer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  close(): Promise<void>;
}

/** The default of nginx. */
const IDLE_TIMEOUT_MS = 75_000;

type Worker = 0 | 1;

const otherThan = (worker: Worker): Worker => (worker === 0 ? 1 : 0);

/** Listens in front of two workers. Streams both directions, and disconnects one side as soon as the other one disconnects. */
export async function startMisroutingBalancer(workers: readonly [string, string]): Promise<MisroutingBalancer> {
  const choice = new MisroutingChoice();
  const server = createServer((request, response) => {
    relay(workers, choice, request, response).catch(() => response.destroy());
  });
  // As load balancers do, the client closes idle connections. A connection closed here could be reused at that moment.
  server.keepAliveTimeout = IDLE_TIMEOUT_MS;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * Opens sessions at one worker, and routes requests with a session id to the other. Requests without a session alternate;
 * a call that is repeated with answers goes to the worker that did not serve it before.
 */
class MisroutingChoice {
  private lastTurn: Worker = 1;
  /** The worker that served a call last, by those parts of the call that stay the same when it is repeated. */
  private readonly lastWorkerByCall = new Map<string, Worker>();

  workerFor({ method, url = '/', headers }: IncomingMessage, body: Buffer): Worker {
    if (namesSession(url, headers)) return 1;
    const message = method === 'POST' ? messageIn(body) : undefined;
    if (message === undefined || message.method === 'initialize') return 0;
    const { params: { _meta, requestState, inputResponses, ...same } = {} } = message;
    const call = JSON.stringify([message.method, same]);
    const before = this.lastWorkerByCall.get(call);
    const isRepeated = requestState !== undefined || inputResponses !== undefined;
    const worker = isRepeated && before !== undefined ? otherThan(before) : otherThan(this.lastTurn);
    this.lastTurn = worker;
    this.lastWorkerByCall.set(call, worker);
    return worker;
  }
}

interface Message {
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

function namesSession(url: string, headers: IncomingHttpHeaders): boolean {
  return headers['mcp-session-id'] !== undefined || new URL(url, 'http://balancer').searchParams.has('sessionId');
}

function messageIn(body: Buffer): Message | undefined {
  try {
    return JSON.parse(body.toString()) as Message;
  } catch {
    return undefined;
  }
}

async function relay(
  workers: readonly [string, string],
  choice: MisroutingChoice,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const target = workers[choice.workerFor(request, body)] + (request.url ?? '/');
  const { connection: _own, 'transfer-encoding': _whole, ...headers } = request.headers;
  const onward = httpRequest(target, { method: request.method ?? 'GET', headers, agent: false });
  response.on('close', () => onward.destroy());
  onward.on('error', () => response.destroy());
  onward.on('response', (answer) => {
    const { connection: _theirs, 'keep-alive': _keepAlive, ...forwarded } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, forwarded);
    // Sends the headers of a stream before its first event.
    response.flushHeaders();
    pipeline(answer, response, () => {});
  });
  onward.end(body);
}
