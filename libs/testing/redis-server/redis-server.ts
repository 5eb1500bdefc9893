import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ended, freePort, launch, PortTaken } from './redis-process.js';

/** Lines of redis.conf: name and what follows it. A list is one line each. */
export type RedisSettings = Readonly<Record<string, string | readonly string[]>>;

export interface RedisOptions {
  /** 0, the default, takes a free port. */
  readonly port?: number;
  readonly settings?: RedisSettings;
  readonly mode?: 'server' | 'sentinel';
}

/** A running Redis, and what can be done to it. */
export interface RunningRedis {
  /** Without a password, also where `settings` asks for one. */
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Sends a signal. Where that ends the process, resolves when it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Kills it where it still runs, and starts it again on the same port. */
  restart(): Promise<void>;
  /** Kills it and removes its files. */
  stop(): Promise<void>;
}

const NON_TERMINATING_SIGNALS = new Set<NodeJS.Signals>(['SIGSTOP', 'SIGCONT']);
const MAX_ATTEMPTS = 5;

/** Starts a server of its own. Throws one sentence when `redis-server` is not installed. */
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
