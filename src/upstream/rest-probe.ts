import type { Socket } from 'node:net';
import { buildConnector, Client } from 'undici';
import { guardedConnector, type AddressGuard } from '#lib/address-guard';
import type { RestServer } from '../registry/index.js';

const FIRST_ERROR_STATUS = 400;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

/** A REST server that answered its health check with an error. */
export class UnhealthyAnswer extends Error {
  override readonly name = 'UnhealthyAnswer';
}

/**
 * Requests the health path of a REST server with its headers, or only connects where the entry names no path: a request to a
 * path that nobody chose could have effects. Redirects are not followed. Rejects with UnhealthyAnswer or the fault of the
 * connection.
 */
export async function probeRestServer(server: RestServer, guard: AddressGuard, signal: AbortSignal): Promise<void> {
  const options = { timeout: server.timeouts.connectMs, allowH2: false };
  const connect = server.guarded === true ? guardedConnector(guard, options) : buildConnector(options);
  const url = new URL(server.url);
  if (server.healthPath === undefined) return connectOnly(url, connect);
  const client = new Client(url.origin, { connect, allowH2: false });
  const request = { method: 'GET', path: server.healthPath, headers: server.headers, signal } as const;
  try {
    const { statusCode, body } = await client.request(request);
    await body.dump();
    if (statusCode >= FIRST_ERROR_STATUS)
      throw new UnhealthyAnswer(`GET ${server.healthPath} was answered with ${statusCode}.`);
  } finally {
    await client.destroy();
  }
}

function connectOnly({ hostname, host, protocol, port }: URL, connect: buildConnector.connector): Promise<void> {
  return new Promise((resolve, reject) => {
    const target = { hostname, host, protocol, port: port || (DEFAULT_PORTS[protocol] ?? '') };
    connect(target, (fault: Error | null, socket: Socket | null) => {
      socket?.destroy();
      if (fault) reject(fault);
      else resolve();
    });
  });
}
