import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** What a server prints once it serves, and what it prints when another took its port first. */
const READY = /Ready to accept connections|Sentinel ID is/;
const PORT_TAKEN = /Address already in use|Could not create server TCP listening socket/;

/** The port was free a moment ago, and is not any more. */
export class PortTaken extends Error {}

/** Starts the program with these arguments; resolves once it serves. Throws a sentence that says what it said last. */
export async function launch(args: readonly string[]): Promise<ChildProcess> {
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const leave = () => child.kill('SIGKILL');
  process.once('exit', leave);
  child.once('exit', () => process.off('exit', leave));
  await once(child, 'spawn').catch((error: unknown) => {
    throw new Error('There is no redis-server on the path: install the package redis-server.', { cause: error });
  });
  const said: string[] = [];
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  if (await readUntilReady(child.stdout, said)) {
    // What it says later is of no interest, and must not fill the pipe.
    child.stdout.resume();
    return child;
  }
  await ended(child);
  const story = said.slice(-5).join('\n');
  throw PORT_TAKEN.test(story) ? new PortTaken(story) : new Error(`redis-server ended at its start:\n${story}`);
}

async function readUntilReady(output: Readable, said: string[]): Promise<boolean> {
  for await (const line of createInterface(output)) {
    if (READY.test(line)) return true;
    said.push(line);
  }
  return false;
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port of 127.0.0.1 is free.');
  return address.port;
}

/** Resolves when the process is gone. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
