import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { startFaultProxy, type FaultProxy } from '../support/fault-proxy.js';

/** Short timeouts, so that a soak covers many calls. */
const TIMEOUTS = { connect: '4s', request: '8s' };
const MARKING_CHILD = fileURLToPath(new URL('./marking-child.js', import.meta.url));

export type ServerName = 'legacy' | 'modern' | 'stdio' | 'rest';

/** One server of each kind, all of which count the arrivals of each mark. */
export interface SoakServers {
  /** Server definitions for the configuration of the gateways. */
  readonly definitions: Readonly<Record<ServerName, object>>;
  /** Resets all connections to an HTTP server and drops its sessions. */
  restart(name: 'legacy' | 'modern'): void;
  /** Number of arrivals by mark. */
  arrivals(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

export async function startServers(): Promise<SoakServers> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-soak-'));
  const file = join(folder, 'marks');
  const [legacy, modern, rest] = await Promise.all([startCut('legacy'), startCut('modern'), startRest()]);
  return {
    definitions: {
      legacy: legacy.definition,
      modern: modern.definition,
      stdio: { transport: 'stdio', command: process.execPath, args: [MARKING_CHILD, file], timeouts: TIMEOUTS },
      rest: rest.definition,
    },
    restart: (name) => (name === 'legacy' ? legacy : modern).restart(),
    arrivals: async () => {
      const written = await readFile(file, 'utf8').catch(() => '');
      const all: Record<string, number> = {};
      const add = (mark: string, count: number): void => void (all[mark] = (all[mark] ?? 0) + count);
      for (const mark of written.split('\n')) if (mark !== '') add(mark, 1);
      for (const [mark, count] of [...rest.marks, ...legacy.arrivals(), ...modern.arrivals()]) add(mark, count);
      return all;
    },
    close: async () => {
      await Promise.all([legacy.close(), modern.close(), rest.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts an HTTP server of an era behind a fault proxy. */
async function startCut(era: 'legacy' | 'modern') {
  const server: CountingServer = await startCountingServer({ era, transport: 'http' });
  const wire: FaultProxy = await startFaultProxy(server.definition.url);
  const url = `http://${wire.address}${new URL(server.definition.url).pathname}`;
  return {
    definition: { ...server.definition, url, timeouts: TIMEOUTS },
    restart: () => {
      wire.sever();
      if (era === 'legacy') void server.server.forgetSessions();
    },
    arrivals: () => server.allArrivals(),
    close: async () => {
      await wire.close();
      await server.close();
    },
  };
}

/** Starts a plain HTTP endpoint that echoes its input. */
async function startRest() {
  const marks = new Map<string, number>();
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      const { call = '', text = '' } = JSON.parse(body.toString() || '{}') as { call?: string; text?: string };
      marks.set(call, (marks.get(call) ?? 0) + 1);
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ text }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const inputSchema = { type: 'object', additionalProperties: true };
  const echo = { description: 'Says it again.', method: 'POST', path: '/echo', inputSchema };
  return {
    marks,
    definition: { transport: 'rest', url, timeouts: TIMEOUTS, tools: { echo } },
    close: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
