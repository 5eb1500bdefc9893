import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { isUtf8 } from 'node:buffer';
import type { Readable, Writable } from 'node:stream';
import { outcomeOfFault, parseJson, type JsonValue, type Outcome } from '#lib/mcp-protocol';
import type { StdioServer } from '../../../registry/index.js';
import type { BoundedLog } from '../bounded-log.js';
import { MessagePipe, type Carriage } from '../message-pipe.js';
import { childEnvironment } from './child-environment.js';
import { LineOverflow, LineSplitter } from './line-splitter.js';

export interface ChildPipeOptions {
  readonly maxLineBytes: number;
  /** Takes what the child writes to stderr. */
  readonly stderr: BoundedLog;
  /** Takes what it writes to stdout that is no message. */
  readonly noise: BoundedLog;
  /** Called once, when the process is gone. `wanted` when it was told to go; `reason` says how it ended. */
  onGone(pipe: ChildPipe, wanted: boolean, reason: string): void;
}

/** How long a child may take to go, first when its input ends, then when it is asked to terminate. */
const GRACE_MS = { inputEnded: 1_500, terminated: 1_500 };

/** What may wait in front of a child that does not read. */
const MAX_UNREAD_BYTES = 16 * 1_048_576;

const MAX_STDERR_LINE = 64 * 1_024;

/** A server in a child process: one message per line, stdin and stdout (basic/transports/stdio). */
export class ChildPipe extends MessagePipe {
  readonly startedAt = performance.now();
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly lines: LineSplitter;
  private readonly gone = Promise.withResolvers<void>();
  private isGone = false;
  private wanted = false;
  private overflowed = false;
  private closing: Promise<void> | undefined;
  private spawnFailure: string | undefined;

  constructor(
    definition: StdioServer,
    private readonly options: ChildPipeOptions,
  ) {
    super();
    this.lines = new LineSplitter(options.maxLineBytes);
    this.child = spawn(definition.command, [...definition.args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      shell: false,
      windowsHide: true,
      env: childEnvironment(process.env, definition.env),
      ...(definition.cwd !== undefined && { cwd: definition.cwd }),
    });
    this.watch();
  }

  /** False when the system could not start the program. */
  get wasStarted(): boolean {
    return this.child.pid !== undefined;
  }

  get full(): boolean {
    return this.child.stdin.writableLength > MAX_UNREAD_BYTES;
  }

  override send(text: string, _id: number, refused: (outcome: Outcome) => void): Carriage {
    if (this.write(text)) return SENT;
    refused(outcomeOfFault('refused', this.spawnFailure ?? 'the process ended'));
    return UNSENT;
  }

  override async say(text: string): Promise<boolean> {
    return !this.full && this.write(text);
  }

  override pause(): void {
    this.child.stdout.pause();
  }

  override resume(): void {
    this.child.stdout.resume();
  }

  /** Asks the child to go as the specification says: end of input, then SIGTERM, then SIGKILL. */
  override close(): Promise<void> {
    this.endedQuietly();
    this.wanted = true;
    this.closing ??= this.dismiss();
    return this.closing;
  }

  /** For the last moment of the gateway, when nothing can be awaited any more. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private watch(): void {
    const { child, options } = this;
    child.on('error', (error) => this.failedToStart(error));
    // A child that does not read its input is noticed by its exit, not by the pipe.
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => this.read(chunk));
    // Not `exit`: what the child wrote last is still to be read then.
    child.on('close', (code, signal) => this.left(code, signal));
    child.on('exit', () => this.hurryClose());
    const errors = new LineSplitter(MAX_STDERR_LINE);
    child.stderr.on('data', (chunk: Buffer) => logLines(errors, chunk, options.stderr));
    child.stderr.on('end', () => options.stderr.write(errors.rest().toString('utf8')));
  }

  private write(text: string): boolean {
    if (this.over || this.isGone || !this.child.stdin.writable) return false;
    this.child.stdin.write(`${text}\n`);
    return true;
  }

  private read(chunk: Buffer): void {
    if (this.over) return;
    let lines: Buffer[];
    try {
      lines = this.lines.push(chunk);
    } catch (error) {
      if (!(error instanceof LineOverflow)) throw error;
      this.overflowed = true;
      this.ended('too_large', 'a line is too long');
      void this.dismiss();
      return;
    }
    for (const line of lines) this.readLine(line);
  }

  private readLine(line: Buffer): void {
    if (line.length === 0 || (line.length === 1 && line[0] === 0x0d)) return;
    const value = isUtf8(line) ? parsed(line.toString('utf8')) : undefined;
    if (value === undefined) this.options.noise.write(line.toString('utf8', 0, 200));
    else this.received(value);
  }

  private failedToStart(error: Error): void {
    // Only the code: the message names paths of this machine.
    this.spawnFailure = 'code' in error && typeof error.code === 'string' ? error.code : 'it could not be started';
    if (this.child.pid === undefined) this.left(null, null);
  }

  /** A grandchild may keep the streams open after the child is gone; nothing of it is awaited for long. */
  private hurryClose(): void {
    const timer = setTimeout(() => {
      this.child.stdout.destroy();
      this.child.stderr.destroy();
    }, 250).unref();
    this.child.once('close', () => clearTimeout(timer));
  }

  private left(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.isGone) return;
    this.isGone = true;
    // Whoever hears of the end closes the pipe, which makes it wanted too late.
    const wanted = this.wanted && !this.overflowed;
    const how = signal === null ? `with code ${code ?? 'unknown'}` : `by ${signal}`;
    const reason = this.spawnFailure ?? `the process ended ${how}`;
    this.ended('lost', reason);
    this.options.stderr.flush();
    this.gone.resolve();
    this.options.onGone(this, wanted, reason);
  }

  private async dismiss(): Promise<void> {
    this.child.stdin.end();
    this.child.stdout.resume();
    const terminate = setTimeout(() => this.child.kill('SIGTERM'), GRACE_MS.inputEnded).unref();
    const kill = setTimeout(() => this.kill(), GRACE_MS.inputEnded + GRACE_MS.terminated).unref();
    await this.gone.promise;
    clearTimeout(terminate);
    clearTimeout(kill);
  }
}

const NOTHING = (): void => undefined;
const SENT: Carriage = { sent: true, release: NOTHING, drop: NOTHING };
const UNSENT: Carriage = { sent: false, release: NOTHING, drop: NOTHING };

function parsed(text: string): JsonValue | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

function logLines(splitter: LineSplitter, chunk: Buffer, log: BoundedLog): void {
  try {
    for (const line of splitter.push(chunk)) log.write(line.toString('utf8'));
  } catch (error) {
    if (!(error instanceof LineOverflow)) throw error;
    log.write(splitter.drop());
  }
}
