import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended, freePort, launch, PortTaken } from './redis-process.js';

/** Lines of redis.conf by name. A list produces one line for each element. */
export type RedisSettings = Readonly<Record<string, string | readonly string[]>>;

export interface RedisOptions {
  /** Default 0: a free port. */
  readonly port?: number;
  readonly settings?: RedisSettings;
  readonly mode?: 'server' | 'sentinel';
}

/** Controls a running Redis server. */
export interface RunningRedis {
  /** Does not contain a password, even when `settings` requires one. */
  readonly url: string;
  readonly port: number;
  /** Of the current process, or of the last one. */
  readonly pid: number;
  /** Sends a signal. Resolves when the process has exited, if the signal ends it. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Kills the process if it runs and starts a new one on the same port. */
  restart(): Promise<void>;
  /** Kills the process and removes its files. */
  stop(): Promise<void>;
}

const NON_TERMINATING_SIGNALS = new Set<NodeJS.Signals>(['SIGSTOP', 'SIGCONT']);
const MAX_ATTEMPTS = 5;

/**
 * Starts a server with its own folder. Throws an error that names the missing package when `redis-server` is not
 * installed.
 */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-redis-'));
  for (let attempt = 1; ; attempt += 1) {
    const server = new RedisServer(options.port || (await freePort()), folder, options);
    try {
      await server.start();
      return server;
    } catch (error) {
      if (error instanceof PortTaken && !options.port && attempt < MAX_ATTEMPTS) continue;
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

class RedisServer implements RunningRedis {
  private child: ChildProcess | undefined;

  constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly options: RedisOptions,
  ) {}

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  async start(): Promise<void> {
    const file = join(this.folder, 'redis.conf');
    const own: RedisSettings = { port: `${this.port}`, bind: '127.0.0.1', dir: this.folder, save: '""' };
    const lines = Object.entries({ ...own, ...this.options.settings }).flatMap(([name, value]) =>
      [value].flat().map((text) => `${name} ${text}\n`),
    );
    await writeFile(file, lines.join(''));
    this.child = await launch(this.options.mode === 'sentinel' ? [file, '--sentinel'] : [file]);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    if (this.child === undefined) return;
    this.child.kill(signal);
    if (!NON_TERMINATING_SIGNALS.has(signal)) await ended(this.child);
  }

  async restart(): Promise<void> {
    await this.kill('SIGKILL');
    await this.start();
  }

  async stop(): Promise<void> {
    await this.kill('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}
