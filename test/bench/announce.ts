import type { AddressInfo } from 'node:net';

interface Listening {
  address(): AddressInfo | string | null;
}

/** Prints the server's port for the runner, as one line of JSON on standard output. */
export function announcePort(server: Listening): void {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  process.stdout.write(`${JSON.stringify({ port: address.port })}\n`);
}
