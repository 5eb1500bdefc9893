/**
 * The load generator, a process of its own on another core than the subject's. Takes one order at a time over IPC and
 * answers with what it saw: a closed loop of `concurrency` connections with one call in flight on each.
 */
import { HttpConnection, headerValue, type HttpAnswer } from './http-connection.js';
import { Latencies } from './latencies.js';
import type { LoadOrder, LoadReport, SessionsOrder, SessionsReport } from './load-orders.js';
import { serveOrders } from './orders.js';
import {
  ANSWER_TEXT,
  FIRST_ID,
  LAST_ID,
  endRequest,
  initializeRequest,
  initializedNotification,
  prepareCall,
  type PreparedCall,
  type Target,
} from './workload.js';

const MAX_SAMPLES = 3;
const MAX_SAMPLE_LENGTH = 500;

/** A subject that answers nothing but errors must not be asked for ever. */
const MAX_ERRORS = 1_000;

/** One run of calls: what came back, and when. */
class Run {
  readonly latencies = new Latencies();
  readonly samples: string[] = [];
  calls = 0;
  errors = 0;
  private stopped = false;
  private busy = 0;
  private idle: (() => void) | undefined;

  /** Calls over and over on one connection until the run is stopped. */
  drive(connection: HttpConnection, call: PreparedCall): void {
    this.busy += 1;
    let id = FIRST_ID;
    let sentAt = 0;
    const next = (): void => {
      if (this.stopped || !connection.open || this.errors >= MAX_ERRORS) return this.leave();
      id = id === LAST_ID ? FIRST_ID : id + 1;
      call.bytes.write(String(id), call.idAt, 'latin1');
      sentAt = performance.now();
      connection.send(call.bytes, answered, failed);
    };
    const answered = (answer: HttpAnswer): void => {
      this.latencies.add(performance.now() - sentAt);
      this.calls += 1;
      if (!isRight(answer, id)) this.countError(`${answer.head}\n${answer.body}`);
      next();
    };
    const failed = (error: Error): void => {
      this.countError(error.message);
      next();
    };
    next();
  }

  /** Resolves when the answers of all calls in flight are there. */
  stop(): Promise<void> {
    this.stopped = true;
    return new Promise((resolve) => {
      if (this.busy === 0) return resolve();
      this.idle = resolve;
    });
  }

  private leave(): void {
    this.busy -= 1;
    if (this.busy === 0) this.idle?.();
  }

  private countError(what: string): void {
    this.errors += 1;
    if (this.samples.length < MAX_SAMPLES) this.samples.push(what.slice(0, MAX_SAMPLE_LENGTH));
  }
}

function isRight(answer: HttpAnswer, id: number): boolean {
  return answer.status === 200 && answer.body.includes(`"id":${id}`) && answer.body.includes(ANSWER_TEXT);
}

async function openSession(connection: HttpConnection, target: Target): Promise<string> {
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

function connectTo(target: Target, count: number): HttpConnection[] {
  return Array.from({ length: count }, () => new HttpConnection(target.host, target.port));
}

async function runLoad(order: LoadOrder): Promise<LoadReport> {
  const { target, era } = order;
  const connections = connectTo(target, order.concurrency);
  try {
    if (era === 'modern') return await callFor(order, connections, []);
    const sessions = await Promise.all(connections.map((connection) => openSession(connection, target)));
    const report = await callFor(order, connections, sessions);
    const open = connections.filter((connection) => connection.open);
    await Promise.all(open.map((connection, index) => connection.exchange(endRequest(target, sessions[index] ?? ''))));
    return report;
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function callFor(
  order: LoadOrder,
  connections: readonly HttpConnection[],
  sessions: readonly string[],
): Promise<LoadReport> {
  const { era, target, durationMs } = order;
  const calls = connections.map((_, index) => prepareCall(era, target, sessions[index]));
  const run = new Run();
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  for (const [index, call] of calls.entries()) run.drive(connections[index] as HttpConnection, call);
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  await run.stop();
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return {
    calls: run.calls,
    errors: run.errors,
    samples: run.samples,
    elapsedMs,
    cpuMs: (user + system) / 1_000,
    p50Ms: run.latencies.quantile(0.5),
    p99Ms: run.latencies.quantile(0.99),
  };
}

/** Opens legacy sessions and leaves them idle, over a few connections that are closed at the end. */
async function openSessions(order: SessionsOrder): Promise<SessionsReport> {
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
    // A session that was dropped to make room for the others would cost nothing.
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

serveOrders((order) => carryOut(order as LoadOrder | SessionsOrder));

function carryOut(order: LoadOrder | SessionsOrder): Promise<LoadReport | SessionsReport> {
  return order.order === 'load' ? runLoad(order) : openSessions(order);
}
