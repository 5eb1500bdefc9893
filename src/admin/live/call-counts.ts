import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { CallRecord } from '#lib/extension-kit';
import { isJsonObject } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { CallRecorder, TelemetrySink } from '../../telemetry/index.js';

/** Counting ends so long after the last reading, in milliseconds. */
const IDLE_MS = 10_000;

/** Requests that use something of a server. */
const USING_METHODS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** Calls by their outcome. */
export interface CallsByOutcome {
  /** All calls. */
  readonly calls: number;
  /** Calls that were not executed. */
  readonly refused: number;
  /** Calls that were executed and ended with an error. */
  readonly failed: number;
  /** Calls that may or may not have been executed. */
  readonly unknown: number;
}

/** What one worker has counted. */
export interface CallTotals extends CallsByOutcome {
  /** Identifies the time since which the worker counts. */
  readonly since: number;
  /** When it was read, in milliseconds of the monotonic clock of the worker. */
  readonly at: number;
}

const NONE: CallsByOutcome = { calls: 0, refused: 0, failed: 0, unknown: 0 };

/** Counts the calls that this worker answers, while somebody reads the counts. Otherwise a call costs nothing here. */
@Injectable()
export class CallCounts extends TelemetrySink implements OnApplicationShutdown {
  private counts: { -readonly [Outcome in keyof CallsByOutcome]: number } = { ...NONE };
  private since = 0;
  private removeSink: (() => void) | undefined;
  private cancelEnd: (() => void) | undefined;

  constructor(
    private readonly recorder: CallRecorder,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** The first reading begins to count. */
  read(): CallTotals {
    this.cancelEnd?.();
    this.cancelEnd = this.clock.after(IDLE_MS, () => this.end());
    if (!this.removeSink) this.begin();
    return { ...this.counts, since: this.since, at: this.clock.monotonicNow() };
  }

  record({ method, outcome, code, isToolError }: CallRecord): void {
    if (method === undefined || !USING_METHODS.has(method)) return;
    this.counts.calls += 1;
    if (outcome === 'not_executed') this.counts.refused += 1;
    else if (outcome === 'unknown') this.counts.unknown += 1;
    else if (code !== undefined || isToolError) this.counts.failed += 1;
  }

  onApplicationShutdown(): void {
    this.cancelEnd?.();
    this.end();
  }

  private begin(): void {
    this.counts = { ...NONE };
    this.since = this.clock.monotonicNow();
    this.removeSink = this.recorder.addSink(this);
  }

  private end(): void {
    this.removeSink?.();
    this.removeSink = undefined;
  }
}

export const isCallTotals = (value: unknown): boolean => isJsonObject(value) && typeof value['calls'] === 'number';
