import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { startReferenceServer, type ReferenceServer, type ReferenceServerOptions } from '#lib/testing/reference-server';
import { RequestCounter } from './request-counter.js';

/** A reference server behind a proxy that counts how often each call arrived. */
export interface CountingServer {
  /** Server definition for the configuration of a gateway. */
  readonly definition: { readonly transport: 'http' | 'sse'; readonly url: string };
  /** The server behind the proxy: counters per tool, gates of `hold`. */
  readonly server: ReferenceServer;
  /** Number of `tools/call` requests whose `arguments.call` is this mark. */
  arrivals(mark: string): number;
  /** Number of arrivals by mark. */
  allArrivals(): ReadonlyMap<string, number>;
  /** Marks that arrived more than once, which no gateway may cause. */
  duplicates(): readonly string[];
  /** Number of successful answers to the server's questions. Errors do not count. */
  readonly answers: number;
  /** Requests of any method. */
  readonly requests: RequestCounter;
  /** Ids of all sessions that requests have named. */
  readonly sessions: ReadonlySet<string>;
  /** Resolves once a marked call has arrived. */
  arrived(mark: string): Promise<void>;
  /** Counts arrivals from zero again: the next test may use the same marks. */
  resetArrivals(): void;
  close(): Promise<void>;
}

/**
 * Starts a counting server. The argument `call` marks a call; the tools ignore it. The proxy counts requests before the
 * server checks ids and sessions, so that it also counts repetitions that the server rejects.
 */
export async function startCountingServer(options: ReferenceServerOptions): Promise<CountingServer> {
  const server = await startReferenceServer(options);
  const marks = new Map<string, number>();
  const sessions = new Set<string>();
  const requests = new RequestCounter();
  const waiting = new Map<string, () => void>();
  let answers = 0;
  const arrive = (mark: string) => {
    marks.set(mark, (marks.get(mark) ?? 0) + 1);
    waiting.get(mark)?.();
  };
  const door = createServer((incoming, outgoing) => {
    const { 'mcp-session-id': session } = incoming.headers;
    if (typeof session === 'string') sessions.add(session);
    const count = (body: Buffer) => {
      const messages = messagesIn(body);
      for (const mark of marksIn(messages)) arrive(mark);
      answers += messages.filter(isAnswer).length;
      outgoing.on('close', requests.add(body));
    };
    passOn(incoming, outgoing, server.url, count).catch(() => outgoing.destroy());
  });
  door.listen(0, '127.0.0.1');
  await once(door, 'listening');
  const { port } = door.address() as AddressInfo;
  return {
    definition: { transport: options.transport, url: `http://127.0.0.1:${port}${new URL(server.url).pathname}` },
    server,
    arrivals: (mark) => marks.get(mark) ?? 0,
    allArrivals: () => marks,
    duplicates: () => [...marks].flatMap(([mark, count]) => (count > 1 ? [mark] : [])),
    get answers() {
      return answers;
    },
    requests,
    sessions,
    arrived: (mark) =>
      new Promise((resolve) => {
        if (marks.has(mark)) resolve();
        else waiting.set(mark, resolve);
      }),
    resetArrivals: () => {
      marks.clear();
      waiting.clear();
    },
    close: async () => {
      door.close();
      door.closeAllConnections();
      await server.close();
    },
  };
}

async function passOn(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  url: string,
  count: (body: Buffer) => void,
): Promise<void> {
  const body = await buffer(incoming);
  count(body);
  const { hostname, port } = new URL(url);
  const { method, url: path } = incoming;
  const { connection: _own, ...headers } = incoming.headers;
  // Over a connection of its own: the server may close an idle one at the moment of its reuse.
  const onward = request({ hostname, port, method, headers, path, agent: false });
  onward.on('error', () => outgoing.destroy());
  onward.on('response', (answer) => {
    const { connection: _theirs, 'keep-alive': _kept, ...forwarded } = answer.headers;
    outgoing.writeHead(answer.statusCode ?? 502, forwarded);
    outgoing.flushHeaders();
    answer.on('error', () => outgoing.destroy()).pipe(outgoing);
  });
  // Forward a disconnect of the client, which is how the server detects a cancellation.
  outgoing.on('close', () => onward.destroy());
  onward.end(body);
}

function messagesIn(body: Buffer): readonly Message[] {
  try {
    return [JSON.parse(body.toString()) as unknown].flat() as readonly Message[];
  } catch {
    // A body that is not JSON contains no message.
    return [];
  }
}

function marksIn(messages: readonly Message[]): string[] {
  return messages.flatMap(({ method, params }) => {
    const mark = method === 'tools/call' ? params?.arguments?.call : undefined;
    return typeof mark === 'string' ? [mark] : [];
  });
}

const isAnswer = ({ method, result }: Message): boolean => method === undefined && result !== undefined;

interface Message {
  readonly method?: string;
  readonly result?: unknown;
  readonly params?: { readonly arguments?: { readonly call?: unknown } };
}
