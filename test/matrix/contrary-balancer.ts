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

/** A load balancer that sends every request to the worker that has the least to do with it. */
export interface ContraryBalancer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  close(): Promise<void>;
}

/** The default of nginx. */
const IDLE_TIMEOUT_MS = 75_000;

type Worker = 0 | 1;

const otherThan = (worker: Worker): Worker => (worker === 0 ? 1 : 0);

/** Listens before two workers. Both ways are streamed; when one side leaves, the other is told at once. */
export async function startContraryBalancer(workers: readonly [string, string]): Promise<ContraryBalancer> {
  const choice = new ContraryChoice();
  const server = createServer((request, response) => {
    relay(workers, choice, request, response).catch(() => response.destroy());
  });
  // As load balancers do: the client closes what is idle. One that is closed here may be used in the same moment.
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
 * Sessions are opened at one worker, and all that names them goes to the other. What belongs to no session alternates;
 * a call that is repeated with answers goes to the one that did not take it before.
 */
class ContraryChoice {
  private lastTurn: Worker = 1;
  /** Where a call went last, by all that stays the same when it is repeated. */
  private readonly takenBy = new Map<string, Worker>();

  workerFor({ method, url = '/', headers }: IncomingMessage, body: Buffer): Worker {
    if (namesSession(url, headers)) return 1;
    const message = method === 'POST' ? messageIn(body) : undefined;
    if (message === undefined || message.method === 'initialize') return 0;
    const { params: { _meta, requestState, inputResponses, ...same } = {} } = message;
    const call = JSON.stringify([message.method, same]);
    const before = this.takenBy.get(call);
    const isRepeated = requestState !== undefined || inputResponses !== undefined;
    const worker = isRepeated && before !== undefined ? otherThan(before) : otherThan(this.lastTurn);
    this.lastTurn = worker;
    this.takenBy.set(call, worker);
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
  choice: ContraryChoice,
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
    const { connection: _theirs, 'keep-alive': _kept, ...told } = answer.headers;
    response.writeHead(answer.statusCode ?? 502, told);
    // The head of a stream leaves before its first event.
    response.flushHeaders();
    pipeline(answer, response, () => {});
  });
  onward.end(body);
}
