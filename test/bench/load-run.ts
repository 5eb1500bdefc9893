import type { HttpAnswer, HttpConnection } from './http-connection.js';
import { Latencies } from './latencies.js';
import { MAX_SAMPLE_LENGTH, isRight } from './load-sessions.js';
import type { CallPacer } from './call-pacer.js';
import { FIRST_ID, FIRST_NUMBERED_TOOL, LAST_ID, type PreparedCall } from './workload.js';

const MAX_SAMPLES = 3;

/** Stops the load on a subject that answers only errors. */
const MAX_ERRORS = 1_000;

/** One run of calls with its results and latencies. */
export class Run {
  readonly latencies = new Latencies();
  readonly samples: string[] = [];
  calls = 0;
  bytes = 0;
  errors = 0;
  private toolNumber = 0;
  private stopped = false;
  private busy = 0;
  private idle: (() => void) | undefined;

  /**
   * Without a pacer each answer is followed by the next call immediately.
   * @param toolNames number of different names of the tool in calls that can be reused with other names
   */
  constructor(
    private readonly pacer?: CallPacer,
    private readonly toolNames = 1,
  ) {}

  /** Calls repeatedly on one connection until the run is stopped. */
  drive(connection: HttpConnection, call: PreparedCall): void {
    this.busy += 1;
    let id = FIRST_ID;
    let dueAtMs = 0;
    const send = (atMs: number): void => {
      if (this.isOver(connection)) return this.leave();
      id = id === LAST_ID ? FIRST_ID : id + 1;
      call.bytes.write(String(id), call.idAt, 'latin1');
      if (call.nameAt !== undefined) call.bytes.write(this.nextToolNumber(), call.nameAt, 'latin1');
      dueAtMs = atMs;
      connection.send(call.bytes, answered, failed);
    };
    const next = (): void => {
      if (this.pacer === undefined || this.isOver(connection)) send(performance.now());
      else this.pacer.schedule(send);
    };
    const answered = (answer: HttpAnswer): void => {
      this.latencies.add(performance.now() - dueAtMs);
      this.calls += 1;
      this.bytes += answer.body.length;
      if (!isRight(answer, id)) this.countError(`${answer.head}\n${answer.body}`);
      next();
    };
    const failed = (error: Error): void => {
      this.countError(error.message);
      next();
    };
    next();
  }

  /** Resolves when all in-flight calls are answered. */
  stop(): Promise<void> {
    this.stopped = true;
    return new Promise((resolve) => {
      this.idle = resolve;
      this.pacer?.stop();
      if (this.busy === 0) resolve();
    });
  }

  private nextToolNumber(): string {
    this.toolNumber = (this.toolNumber + 1) % this.toolNames;
    return String(FIRST_NUMBERED_TOOL + this.toolNumber);
  }

  private isOver(connection: HttpConnection): boolean {
    return this.stopped || !connection.open || this.errors >= MAX_ERRORS;
  }

  private leave(): void {
    this.busy -= 1;
    if (this.busy === 0) this.idle?.();
  }

  private countError(what: string): void {
    this.errors += 1;
    if (this.samples.length < MAX_SAMPLES) this.samples.push(what.slice(0, MAX_SAMPLE_LENGTH));
  }
}
