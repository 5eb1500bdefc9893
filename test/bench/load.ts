/**
 * The load generator: a process on another core than the subject's. It executes one order at a time over IPC and
 * replies with a report. A load consists of `concurrency` connections with one in-flight call each.
 */
import { HeldConnections } from './held-connections.js';
import type { HttpConnection } from './http-connection.js';
import type { HeldOrder, LoadOrder, LoadReport, SessionsOrder } from './load-orders.js';
import { Run } from './load-run.js';
import { connectTo, openSession, openSessions } from './load-sessions.js';
import { serveOrders } from './orders.js';
import { CallPacer } from './call-pacer.js';
import { endRequest, prepareCall, prepareNumberedCall } from './workload.js';

async function runLoad(order: LoadOrder): Promise<LoadReport> {
  const { target, era } = order;
  const connections = connectTo(target, order.concurrency);
  try {
    if (era === 'modern') return await callFor(order, connections, []);
    const sessions = await sessionsFor(order, connections);
    const report = await callFor(order, connections, sessions);
    const open = connections.filter((connection) => connection.open);
    await Promise.all(open.map((connection, index) => connection.exchange(endRequest(target, sessions[index] ?? ''))));
    return report;
  } finally {
    for (const connection of connections) connection.close();
  }
}

/** Opens one session for each connection, at `openAt` if set. */
async function sessionsFor({ openAt, target }: LoadOrder, connections: readonly HttpConnection[]): Promise<string[]> {
  if (openAt === undefined) return Promise.all(connections.map((connection) => openSession(connection, target)));
  const openers = connectTo(openAt, connections.length);
  try {
    return await Promise.all(openers.map((connection) => openSession(connection, openAt)));
  } finally {
    for (const opener of openers) opener.close();
  }
}

async function callFor(
  order: LoadOrder,
  connections: readonly HttpConnection[],
  sessions: readonly string[],
): Promise<LoadReport> {
  const { era, target, durationMs, perSecond, use, toolNames } = order;
  const calls = connections.map((_, index) =>
    toolNames === undefined
      ? prepareCall(era, target, sessions[index], use)
      : prepareNumberedCall(target, sessions[index]),
  );
  const run = new Run(perSecond === undefined ? undefined : new CallPacer(perSecond), toolNames);
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  for (const [index, call] of calls.entries()) run.drive(connections[index] as HttpConnection, call);
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  await run.stop();
  const elapsedMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpu);
  return {
    calls: run.calls,
    bytes: run.bytes,
    errors: run.errors,
    samples: run.samples,
    elapsedMs,
    cpuMs: (user + system) / 1_000,
    p50Ms: run.latencies.quantile(0.5),
    p99Ms: run.latencies.quantile(0.99),
  };
}

const held = new HeldConnections();

serveOrders(async (wanted) => {
  const order = wanted as LoadOrder | SessionsOrder | HeldOrder;
  switch (order.order) {
    case 'load':
      return runLoad(order);
    case 'sessions':
      return openSessions(order);
    default:
      return held.execute(order);
  }
});
