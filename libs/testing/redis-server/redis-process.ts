import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** Printed when the server accepts connections, and when another process has bound its port. */
const READY = /Ready to accept connections|Sentinel ID is/;
const PORT_TAKEN = /Address already in use|Could not create server TCP listening socket/;

/** Another process has bound the port since it was found free. */
export class PortTaken extends Error {}

/**
 * Starts the program with these arguments. Resolves once it accepts connections; throws its last output when it exits
 * instead.
 */
export async function launch(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const leave = () => child.kill('SIGKILL');
  process.once('exit', leave);
  child.once('exit', () => process.off('exit', leave));
  await once(child, 'spawn').catch((error: unknown) => {
    throw new Error('redis-server is not on the path. Install the package redis-server.', { cause: error });
  });
  const lines: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => lines.push(chunk.toString()));
  if (await readUntilReady(child.stdout, lines)) {
    // Discard later output so that it does not fill the pipe.
    child.stdout.resume();
    return child;
  }
  await ended(child);
  const text = lines.slice(-5).join('\n');
  throw PORT_TAKEN.test(text) ? new PortTaken(text) : new Error(`redis-server exited during its start:\n${text}`);
}

async function readUntilReady(output: Readable, lines: string[]): Promise<boolean> {
  for await (const line of createInterface(output)) {
    if (READY.test(line)) return true;
    lines.push(line);
  }
  return false;
}

/** Finds a free port of 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port of 127.0.0.1 is free.');
  return address.port;
}

/** Resolves when the process has exited. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
