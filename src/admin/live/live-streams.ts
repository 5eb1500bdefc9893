import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import { GatewayError, type Caller } from '#lib/extension-kit';
import { GatewayCode } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { Readiness } from '../../lifecycle/index.js';
import { AdminAdmission } from '../admin-admission.js';
import type { AdminRole } from '../admin-role.js';
import { LiveFiguresReader } from './live-figures.js';

const INTERVAL_MS = 2_000;
/** Maximum numbers of streams at one worker, and of one caller at it. */
const MAX_STREAMS = 200;
const MAX_STREAMS_OF_CALLER = 20;

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store, no-transform',
  // Disables response buffering in proxies.
  'x-accel-buffering': 'no',
};

/** 503: as many streams of live figures as allowed are open at this worker. */
class TooManyLiveStreams extends GatewayError {
  constructor() {
    const data = { outcome: 'not_executed', retriable: true, retryAfterMs: 10_000 } as const;
    super(GatewayCode.overloaded, 'Too many streams of live figures are open. Close one, or retry later.', 503, data);
  }
}

interface LiveStream {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Key of the caller. */
  readonly key: string;
}

/**
 * Sends the live figures to everybody who listens at this worker. They are computed once for all of them, and only while there is
 * one. Before each event, each listener is admitted again, so that a stream ends with its token or session.
 */
@Injectable()
export class LiveStreams implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Admin');
  private readonly streams = new Set<LiveStream>();
  private stopTimer: (() => void) | undefined;
  private isBusy = false;
  /** The last event, for listeners that come between two. */
  private latest: string | undefined;

  constructor(
    private readonly figures: LiveFiguresReader,
    private readonly admission: AdminAdmission,
    private readonly readiness: Readiness,
    private readonly clock: Clock,
  ) {}

  /** Number of open streams. */
  get size(): number {
    return this.streams.size;
  }

  /**
   * Opens a stream for an admitted caller. `roles` are those of the route.
   * @throws TooManyLiveStreams
   */
  open(request: IncomingMessage, response: ServerResponse, { key }: Caller, roles: readonly AdminRole[]): void {
    const ofCaller = [...this.streams].filter((stream) => stream.key === key).length;
    if (this.streams.size >= MAX_STREAMS || ofCaller >= MAX_STREAMS_OF_CALLER) throw new TooManyLiveStreams();
    // The client may have left while its token was verified.
    if (response.closed) return;
    response.writeHead(200, HEADERS);
    response.flushHeaders();
    const stream = { request, response, key };
    this.streams.add(stream);
    response.once('close', () => this.remove(stream));
    this.stopTimer ??= this.clock.every(INTERVAL_MS, () => void this.send(roles));
    if (this.latest === undefined) void this.send(roles);
    else response.write(this.latest);
  }

  beforeApplicationShutdown(): void {
    this.endAll();
  }

  private async send(roles: readonly AdminRole[]): Promise<void> {
    if (this.readiness.isDraining) return this.endAll();
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      const [figures, admitted] = await Promise.all([this.figures.read(), this.findAdmitted(roles)]);
      const event = `event: figures\ndata: ${JSON.stringify(figures)}\n\n`;
      if (this.streams.size > 0) this.latest = event;
      for (const { response } of admitted) if (mayReceive(response)) response.write(event);
    } catch (cause) {
      this.logger.warn(`The live figures were not computed: ${String(cause)}`);
    } finally {
      this.isBusy = false;
    }
  }

  private async findAdmitted(roles: readonly AdminRole[]): Promise<readonly LiveStream[]> {
    const all = await Promise.all(
      Array.from(this.streams, async (stream) => ((await this.isAdmitted(stream, roles)) ? [stream] : [])),
    );
    return all.flat();
  }

  /** Ends the stream of a caller who is no longer admitted. While that is unknown, it receives nothing. */
  private async isAdmitted({ request, response }: LiveStream, roles: readonly AdminRole[]): Promise<boolean> {
    try {
      this.admission.admit(await this.admission.authenticate(request), roles);
      return true;
    } catch (cause) {
      if (cause instanceof GatewayError && [401, 403].includes(cause.httpStatus)) response.end();
      return false;
    }
  }

  private remove(stream: LiveStream): void {
    this.streams.delete(stream);
    if (this.streams.size > 0) return;
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.latest = undefined;
    this.figures.reset();
  }

  private endAll(): void {
    for (const { response } of this.streams) response.end();
  }
}

/** A client that has not read the last figures does not need the next ones. A stream may end while they are computed. */
const mayReceive = ({ writableEnded, writableLength }: ServerResponse): boolean =>
  !writableEnded && writableLength === 0;
