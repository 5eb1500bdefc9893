import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';

const MAIN = join(process.cwd(), 'dist/src/main.js');
/** Code that Node compiled for one gateway is loaded by the next. */
const COMPILE_CACHE = join(process.cwd(), 'test-results/compile-cache');

/** A gateway as `npm start` runs it: a process of its own, from the build. */
export class GatewayProcess {
  private text = '';
  private readonly printing = new EventEmitter().setMaxListeners(0);
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;

  constructor(variables: Readonly<Record<string, string>>, args: readonly string[] = []) {
    const env = {
      PATH: process.env['PATH'] ?? '',
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ISTHMUS_LOG_FORMAT: 'text',
      ...variables,
    };
    this.child = spawn(process.execPath, [MAIN, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.on('data', (chunk: Buffer) => this.take(chunk));
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Everything it has printed. */
  get output(): string {
    return this.text;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Resolves with the match once it is printed. Rejects when the process exits without it. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text);
      if (found) return found;
      const isOver = await Promise.race([once(this.printing, 'more').then(() => false), this.ended.then(() => true)]);
      if (isOver && !pattern.test(this.text)) throw new Error(`It ended without printing ${pattern}: ${this.text}`);
    }
  }

  /** Sends a signal without waiting. */
  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends the signal, if any, and resolves with the exit code. */
  async exit(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal) this.child.kill(signal);
    return this.ended;
  }

  /** Kills the process at the end of a test. */
  async destroy(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  private take(chunk: Buffer): void {
    this.text += chunk.toString();
    this.printing.emit('more');
  }
}
