import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Pool } from 'undici';
import { AddressGuard } from './address-guard.js';
import { AddressForbidden, guardedConnector, type Resolver } from './guarded-connector.js';

/** Represents a public address: the only address of this host that is allowed. */
const PUBLIC = '127.0.0.1';
const PRIVATE = '127.0.0.2';

let server: Server;
let visits: number;
const pools: Pool[] = [];

beforeEach(async () => {
  visits = 0;
  server = createServer((_request, response) => {
    visits += 1;
    response.setHeader('connection', 'close').end('served');
  });
  await new Promise<void>((resolve) => server.listen(0, PUBLIC, resolve));
});

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.destroy()));
  await new Promise((resolve) => server.close(resolve));
});

async function get(host: string, resolver?: Resolver): Promise<string> {
  const { port } = server.address() as AddressInfo;
  const connect = guardedConnector(new AddressGuard([`${PUBLIC}/32`]), { timeout: 5_000 }, resolver);
  const pool = new Pool(`http://${host}:${port}`, { connect });
  pools.push(pool);
  return (await pool.request({ method: 'GET', path: '/' })).body.text();
}

const resolvingTo = (...addresses: string[]): Resolver => {
  return (_host, found) =>
    found(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
};

describe('guardedConnector', () => {
  it('connects to an allowed address, given as an address or as a name', async () => {
    expect(await get(PUBLIC)).toBe('served');
    expect(await get('server.example', resolvingTo(PUBLIC))).toBe('served');
  });

  it.each([
    '127.0.0.2',
    '0x7f.2',
    '2130706434',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.2]',
    '[::ffff:7f00:2]',
    '[::ffff:0:7f00:2]',
  ])('does not connect to the forbidden address %s', async (host) => {
    await expect(get(host)).rejects.toThrow(AddressForbidden);
    expect(visits).toBe(0);
  });

  it('does not connect to a name that resolves to forbidden addresses only', async () => {
    await expect(get('localhost')).resolves.toBe('served');
    for (const addresses of [[PRIVATE], [PRIVATE, '10.0.0.1'], ['169.254.169.254'], ['::1']]) {
      await expect(get('server.example', resolvingTo(...addresses))).rejects.toThrow(AddressForbidden);
    }
  });

  it('connects to the allowed addresses of a name that has others too', async () => {
    expect(await get('server.example', resolvingTo(PRIVATE, '::1', PUBLIC))).toBe('served');
  });

  it('checks the address of every new connection, so that DNS rebinding fails', async () => {
    const answers = [[PUBLIC], [PRIVATE]];
    const rebinding: Resolver = (host, found) => resolvingTo(...(answers.shift() ?? []))(host, found);
    const { port } = server.address() as AddressInfo;
    const connect = guardedConnector(new AddressGuard([`${PUBLIC}/32`]), { timeout: 5_000 }, rebinding);
    const pool = new Pool(`http://rebound.example:${port}`, { connect });
    pools.push(pool);
    expect(await (await pool.request({ method: 'GET', path: '/' })).body.text()).toBe('served');
    await expect(pool.request({ method: 'GET', path: '/' })).rejects.toThrow(AddressForbidden);
    expect([visits, answers]).toEqual([1, []]);
  });

  it('reports an unknown host name with the error of the resolver', async () => {
    const fault = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
    await expect(get('server.example', (_host, found) => found(fault, []))).rejects.toThrow('no such name');
  });
});
