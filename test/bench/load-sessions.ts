import { HttpConnection, headerValue, type HttpAnswer } from './http-connection.js';
import type { SessionsOrder, SessionsReport } from './load-orders.js';
import {
  ANSWER_TEXT,
  FIRST_ID,
  initializeRequest,
  initializedNotification,
  prepareCall,
  type Target,
} from './workload.js';

export const MAX_SAMPLE_LENGTH = 500;

export function isRight(answer: HttpAnswer, id: number): boolean {
  return answer.status === 200 && answer.body.includes(`"id":${id}`) && answer.body.includes(ANSWER_TEXT);
}

/** Opens an initialized session. */
export async function openSession(connection: HttpConnection, target: Target): Promise<string> {
  const answer = await connection.exchange(initializeRequest(target));
  const session = headerValue(answer.head, 'mcp-session-id');
  if (answer.status !== 200 || session === undefined) throw unexpected('initialize', answer);
  const noted = await connection.exchange(initializedNotification(target, session));
  if (noted.status !== 202) throw unexpected('notifications/initialized', noted);
  return session;
}

function unexpected(request: string, answer: HttpAnswer): Error {
  return new Error(`${request} was answered ${answer.status}: ${answer.body.slice(0, MAX_SAMPLE_LENGTH)}`);
}

export function connectTo(target: Target, count: number): HttpConnection[] {
  return Array.from({ length: count }, () => new HttpConnection(target.host, target.port));
}

/** Opens legacy sessions over a few connections, closes the connections and leaves the sessions idle. */
export async function openSessions(order: SessionsOrder): Promise<SessionsReport> {
  const { target, count, used } = order;
  const connections = connectTo(target, order.connections);
  let left = count;
  let first: string | undefined;
  const open = async (connection: HttpConnection): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const session = await openSession(connection, target);
      first ??= session;
      if (used) await callOnce(connection, target, session);
    }
  };
  try {
    await Promise.all(connections.map(open));
    // Verifies that the first session was not evicted: evicted sessions would cost nothing.
    const [connection] = connections;
    if (connection !== undefined && first !== undefined) await callOnce(connection, target, first);
    return { opened: count };
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function callOnce(connection: HttpConnection, target: Target, session: string): Promise<void> {
  const answer = await connection.exchange(prepareCall('legacy', target, session).bytes);
  if (!isRight(answer, FIRST_ID)) throw unexpected('tools/call', answer);
}
