import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { isUtf8 } from 'node:buffer';
import type { Readable, Writable } from 'node:stream';
import { JsonFault, toFaultOutcome, parseServerMessage, result, type JsonValue, type Outcome } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { hideServerSecrets, type StdioServer } from '../../../registry/index.js';
import type { BoundedLog } from '../bounded-log.js';
import { MessagePipe, type CallTransport } from '../message-pipe.js';
import { childEnvironment } from './child-environment.js';
import { LineOverflow, LineSplitter } from './line-splitter.js';
import { OutputTail } from './output-tail.js';
import { describeStartFailure } from './start-failure.js';

export interface ChildPipeOptions {
  readonly maxLineBytes: number;
  /** Receives the child's stderr. */
  readonly stderr: BoundedLog;
  /** Receives lines of stdout that are not messages. */
  readonly invalidOutput: BoundedLog;
  /** Called once, after the process has exited. `wanted`: the gateway stopped it. `reason` describes the exit. */
  onExit(pipe: ChildPipe, wanted: boolean, reason: string): void;
}

/** How long a child may take to exit, in milliseconds: first after the end of its input, then after SIGTERM. */
const EXIT_GRACE_MS = { inputEnded: 1_500, terminated: 1_500 };

/** Maximum number of bytes that are buffered for a child that does not read. */
const MAX_UNREAD_BYTES = 16 * 1_048_576;

const MAX_STDERR_LINE = 64 * 1_024;

/** How much of a line that is no message is read and shown, in characters. Secrets are hidden before the line is cut. */
const INVALID_LINE = { read: 4_096, shown: 200 };

/** A server in a child process: one message per line, stdin and stdout (basic/transports/stdio). */
export class ChildPipe extends MessagePipe {
  /** On the clock's monotonic time. */
  readonly startedAt: number;
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly lines: LineSplitter;
  private readonly exited = Promise.withResolvers<void>();
  private isExited = false;
  private isExitExpected = false;
  private hasOverflowed = false;
  private closing: Promise<void> | undefined;
  private spawnFailure: string | undefined;
  private startFailure: string | undefined;
  private readonly errorTail = new OutputTail();
  private readonly outputTail = new OutputTail();

  constructor(
    private readonly definition: StdioServer,
    private readonly options: ChildPipeOptions,
    private readonly clock: Clock,
  ) {
    super();
    this.startedAt = clock.monotonicNow();
    this.lines = new LineSplitter(options.maxLineBytes);
    this.child = spawn(definition.command, [...definition.args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      shell: false,
      windowsHide: true,
      env: childEnvironment(process.env, definition.env),
      ...(definition.cwd !== undefined && { cwd: definition.cwd }),
    });
    this.observe();
  }

  /** Explains for operators why the process could not be used: why it did not start, or what it printed last. */
  explain(reason: string): string {
    if (this.startFailure !== undefined) return this.startFailure;
    const { text: errors } = this.errorTail;
    if (errors !== undefined) return `${reason}; its last lines on stderr: ${errors}`;
    const { text: output } = this.outputTail;
    return output === undefined ? reason : `${reason}; its last lines on stdout: ${output}`;
  }

  /** False when the operating system could not start the program. */
  get wasStarted(): boolean {
    return this.child.pid !== undefined;
  }

  get hasExited(): boolean {
    return this.isExited;
  }

  get full(): boolean {
    return this.child.stdin.writableLength > MAX_UNREAD_BYTES;
  }

  override send(text: string, _id: number, refused: (outcome: Outcome) => void): CallTransport {
    if (this.write(text)) return SENT;
    refused(this.toUnsent());
    return NOT_SENT;
  }

  override async sendOneWay(text: string): Promise<Outcome> {
    if (this.full) return toFaultOutcome('refused', 'the process does not read its input');
    return this.write(text) ? result({}) : this.toUnsent();
  }

  private toUnsent(): Outcome {
    return toFaultOutcome('refused', this.spawnFailure ?? 'the process ended');
  }

  override pause(): void {
    this.child.stdout.pause();
  }

  override resume(): void {
    this.child.stdout.resume();
  }

  /** Stops the child as the specification prescribes: end of input, then SIGTERM, then SIGKILL. */
  override close(): Promise<void> {
    this.endSilently();
    this.isExitExpected = true;
    this.closing ??= this.terminate();
    return this.closing;
  }

  /** Kills the child while the gateway's process exits, when nothing can be awaited any more. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private observe(): void {
    const { child, options } = this;
    child.on('error', (error) => this.handleSpawnError(error));
    // The exit of a child that does not read its input is observed by `close`, not by the input pipe.
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => this.read(chunk));
    // Not `exit`: the child's last output may still be unread then.
    child.on('close', (code, signal) => this.handleExit(code, signal));
    child.on('exit', () => this.limitCloseDelay());
    const errors = new LineSplitter(MAX_STDERR_LINE);
    const log = (line: string): void => {
      const shown = hideServerSecrets(this.definition, line);
      options.stderr.write(shown);
      this.errorTail.add(shown);
    };
    child.stderr.on('data', (chunk: Buffer) => logLines(errors, chunk, log));
    child.stderr.on('end', () => log(errors.remainder().toString('utf8')));
  }

  private write(text: string): boolean {
    if (this.hasEnded || this.isExited || !this.child.stdin.writable) return false;
    this.child.stdin.write(`${text}\n`);
    return true;
  }

  private read(chunk: Buffer): void {
    if (this.hasEnded) return;
    let lines: Buffer[];
    try {
      lines = this.lines.push(chunk);
    } catch (error) {
      if (!(error instanceof LineOverflow)) throw error;
      return this.overflow('a line is too long');
    }
    for (const line of lines) this.readLine(line);
  }

  /** A message that cannot be read may be the answer to any call, so that all calls must end. */
  private overflow(reason: string): void {
    this.hasOverflowed = true;
    this.ended('too_large', reason);
    void this.terminate();
  }

  private readLine(line: Buffer): void {
    if (this.hasEnded || line.length === 0 || (line.length === 1 && line[0] === 0x0d)) return;
    const value = isUtf8(line) ? tryParseJson(line.toString('utf8')) : undefined;
    if (value instanceof JsonFault) this.overflow(value.message.slice(0, -1));
    else if (value === undefined) this.logInvalid(line.toString('utf8', 0, INVALID_LINE.read));
    else this.received(value);
  }

  private logInvalid(text: string): void {
    const shown = hideServerSecrets(this.definition, text).slice(0, INVALID_LINE.shown);
    this.options.invalidOutput.write(shown);
    this.outputTail.add(shown);
  }

  private handleSpawnError(error: Error): void {
    this.startFailure = describeStartFailure(this.definition, error);
    // Only the code: the message contains paths of this machine.
    this.spawnFailure = 'code' in error && typeof error.code === 'string' ? error.code : 'it could not be started';
    if (this.child.pid === undefined) this.handleExit(null, null);
  }

  /** A grandchild may keep the streams open after the child's exit; the gateway does not wait for it for long. */
  private limitCloseDelay(): void {
    const cancelTimer = this.clock.after(250, () => {
      this.child.stdout.destroy();
      this.child.stderr.destroy();
    });
    this.child.once('close', () => cancelTimer());
  }

  private handleExit(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.isExited) return;
    this.isExited = true;
    // Read before `ended`: receivers close the pipe then, which would mark the exit as expected.
    const wanted = this.isExitExpected && !this.hasOverflowed;
    const how = signal === null ? `with code ${code ?? 'unknown'}` : `by ${signal}`;
    const reason = this.spawnFailure ?? `the process ended ${how}`;
    this.ended('lost', reason);
    this.options.stderr.flush();
    this.exited.resolve();
    this.options.onExit(this, wanted, reason);
  }

  private async terminate(): Promise<void> {
    this.child.stdin.end();
    this.child.stdout.resume();
    const cancelTerm = this.clock.after(EXIT_GRACE_MS.inputEnded, () => this.child.kill('SIGTERM'));
    const cancelKill = this.clock.after(EXIT_GRACE_MS.inputEnded + EXIT_GRACE_MS.terminated, () => this.kill());
    await this.exited.promise;
    cancelTerm();
    cancelKill();
  }
}

const NOTHING = (): void => undefined;
const SENT: CallTransport = { sent: true, release: NOTHING, abort: NOTHING };
const NOT_SENT: CallTransport = { sent: false, release: NOTHING, abort: NOTHING };

/** Returns the fault of a message that is too large, and undefined for a text that is no message. */
function tryParseJson(text: string): JsonValue | JsonFault | undefined {
  try {
    return parseServerMessage(text);
  } catch (fault) {
    return fault instanceof JsonFault && fault.reason === 'size' ? fault : undefined;
  }
}

function logLines(splitter: LineSplitter, chunk: Buffer, log: (line: string) => void): void {
  try {
    for (const line of splitter.push(chunk)) log(line.toString('utf8'));
  } catch (error) {
    if (!(error instanceof LineOverflow)) throw error;
    log(splitter.reset());
  }
}
