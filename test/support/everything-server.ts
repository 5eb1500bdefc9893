import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join, dirname } from 'node:path';
import { createInterface } from 'node:readline';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json'));
const PROGRAM = join(PACKAGE, 'dist', 'index.js');

/** The program listens on all addresses and on a given port. This preload binds it to a free port of 127.0.0.1. */
const ON_LOOPBACK = `
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (_port, ...rest) {
    this.once('listening', () => process.stderr.write('at ' + this.address().port + '\\n'));
    return listen.call(this, 0, '127.0.0.1', ...rest.filter((each) => typeof each === 'function'));
  };
`;

/** The command that starts the official "everything" server over stdio. */
export const everythingCommand = { command: process.execPath, args: [PROGRAM, 'stdio'] };

export interface EverythingServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts the official "everything" server as a process that listens on loopback. */
export async function startEverything(mode: 'sse' | 'streamableHttp'): Promise<EverythingServer> {
  const preload = `data:text/javascript,${encodeURIComponent(ON_LOOPBACK)}`;
  const child = spawn(process.execPath, ['--import', preload, PROGRAM, mode], { stdio: ['ignore', 'ignore', 'pipe'] });
  const port = await portOf(child);
  return { url: `http://127.0.0.1:${port}/${mode === 'sse' ? 'sse' : 'mcp'}`, close: () => stop(child) };
}

async function portOf(child: ChildProcess & { stderr: NodeJS.ReadableStream }): Promise<number> {
  for await (const line of createInterface(child.stderr)) {
    const match = /^at (\d+)$/.exec(line);
    if (match) {
      child.stderr.resume();
      return Number(match[1]);
    }
  }
  throw new Error('The server exited before it listened.');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
