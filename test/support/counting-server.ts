import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { startReferenceServer, type ReferenceServer, type ReferenceServerOptions } from '#lib/testing/reference-server';
import { RequestBook } from './request-book.js';

/** A reference server whose door counts how often each call arrived. */
export interface CountingServer {
  /** For the configuration of a gateway. */
  readonly definition: { readonly transport: 'http' | 'sse'; readonly url: string };
  /** What runs behind the door: counters per tool, gates of `hold`. */
  readonly server: ReferenceServer;
  /** How often a `tools/call` with `arguments.call` equal to this mark has reached the server. */
  arrivals(mark: string): number;
  /** Every mark that arrived, and how often. */
  allArrivals(): ReadonlyMap<string, number>;
  /** Every mark that arrived more than once: what no gateway may ever do. */
  duplicates(): readonly string[];
  /** How many answers to its questions have reached the server. To be told that nobody answers is none. */
  readonly answers: number;
  /** Requests of any method. */
  readonly requests: RequestBook;
  /** Ids of all sessions that anybody has named to it. */
  readonly sessions: ReadonlySet<string>;
  /** Resolves once a marked call has arrived. */
  arrived(mark: string): Promise<void>;
  /** Counts arrivals from zero again: the next test may use the same marks. */
  resetArrivals(): void;
  close(): Promise<void>;
}

/**
 * Starts one. Calls are marked by an argument `call`, which the tools ignore. It counts requests as they come over the
 * wire, before anything looks at their ids or sessions, so that not even a repetition that the server refuses is missed.
 */
export async function startCountingServer(options: ReferenceServerOptions): Promise<CountingServer> {
  const server = await startReferenceServer(options);
  const marks = new Map<string, number>();
  const sessions = new Set<string>();
  const requests = new RequestBook();
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
      outgoing.on('close', requests.enter(body));
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
  // Over a connection of its own: one that was kept may be closed by the server in the moment in which it is used.
  const onward = request({ hostname, port, method, headers, path, agent: false });
  onward.on('error', () => outgoing.destroy());
  onward.on('response', (answer) => {
    const { connection: _theirs, 'keep-alive': _kept, ...told } = answer.headers;
    outgoing.writeHead(answer.statusCode ?? 502, told);
    outgoing.flushHeaders();
    answer.on('error', () => outgoing.destroy()).pipe(outgoing);
  });
  // Whoever leaves is gone on the other side too: a cancellation is seen by that.
  outgoing.on('close', () => onward.destroy());
  onward.end(body);
}

function messagesIn(body: Buffer): readonly Message[] {
  try {
    return [JSON.parse(body.toString()) as unknown].flat() as readonly Message[];
  } catch {
    // No JSON, no message.
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
