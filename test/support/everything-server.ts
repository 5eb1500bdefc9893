import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { join, dirname } from 'node:path';
import { createInterface } from 'node:readline';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json'));
const PROGRAM = join(PACKAGE, 'dist', 'index.js');

/** The program listens on every address and tells only the port that it was given: keep it here, on a free port. */
const ON_LOOPBACK = `
  import { Server } from 'node:net';
  const { listen } = Server.prototype;
  Server.prototype.listen = function (_port, ...rest) {
    this.once('listening', () => process.stderr.write('at ' + this.address().port + '\\n'));
    return listen.call(this, 0, '127.0.0.1', ...rest.filter((each) => typeof each === 'function'));
  };
`;

/** How to start the official server that shows everything, on stdio. */
export const everythingCommand = { command: process.execPath, args: [PROGRAM, 'stdio'] };

export interface EverythingServer {
  readonly url: string;
  close(): Promise<void>;
}

/** The official server that shows everything, as a process that listens on loopback. */
export async function startEverything(mode: 'sse' | 'streamableHttp'): Promise<EverythingServer> {
  const preload = `data:text/javascript,${encodeURIComponent(ON_LOOPBACK)}`;
  const child = spawn(process.execPath, ['--import', preload, PROGRAM, mode], { stdio: ['ignore', 'ignore', 'pipe'] });
  const port = await portOf(child);
  return { url: `http://127.0.0.1:${port}/${mode === 'sse' ? 'sse' : 'mcp'}`, close: () => stop(child) };
}

async function portOf(child: ChildProcess & { stderr: NodeJS.ReadableStream }): Promise<number> {
  for await (const line of createInterface(child.stderr)) {
    const told = /^at (\d+)$/.exec(line);
    if (told) {
      child.stderr.resume();
      return Number(told[1]);
    }
  }
  throw new Error('The server ended before it listened.');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
