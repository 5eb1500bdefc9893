import { setImmediate as nextTurn } from 'node:timers/promises';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { BusContext, BusService } from '../bus.js';
import { BusNode } from '../bus-node.js';
import type { BusParts } from '../bus-parts.js';
import { BusLog } from './bus-log.js';
import { WorkerBusContext } from './worker-bus-context.js';

const READY_TIMEOUT_MS = 2_000;

/** Reason of the refusals of a worker that takes leave. Nothing has run; what it had is elsewhere, or gone. */
export const LEAVING_REASON = 'leaving';

/** Looks at a request before it is claimed; see `BusService.admit`. */
export type AdmissionCheck = NonNullable<BusService['admit']>;

/**
 * Nest's transport between workers: `@MessagePattern` handlers serve what other workers ask of this one. What a
 * handler returns, or the last value of an Observable, is the end; whatever gets past the exception filters is the end
 * `failed`. A pattern that nobody handles is refused as `no-such-pattern`, and everything as `leaving` at the end.
 */
export class WorkerBusServer extends Server implements CustomTransportStrategy, BusService {
  /** The bus of this worker, to be provided as `WorkerBus`. It is up once `listen` has called back. */
  readonly node: BusNode;
  private isLeaving = false;

  /** @throws TypeError for a secret that is not 32 bytes long */
  constructor(
    parts: Omit<BusParts, 'service'>,
    private readonly admissionCheck?: AdmissionCheck,
  ) {
    super();
    this.node = new BusNode({ observer: new BusLog(), ...parts, service: this });
  }

  override listen(callback: (error?: unknown) => void): void {
    // A worker that takes requests before it can reach the others would refuse some; without Redis it must not wait.
    const ready = this.node.start().then(() => this.node.membership.whenReady(READY_TIMEOUT_MS));
    ready.then(() => callback(), callback);
  }

  /** Takes leave of the other workers: from now on they know that this one is gone. */
  override async close(): Promise<void> {
    // What came now would be cut off, and nobody could say whether it ran.
    this.isLeaving = true;
    // What a handler has returned just now is still on its way through Nest to the bus.
    await nextTurn();
    await this.node.leave();
  }

  /** Nest registers listeners here for events of the transport; this one has none. */
  override on(): void {}

  /** There is nothing of another make below; see `node`. */
  override unwrap(): never {
    throw new TypeError('The bus wraps nothing.');
  }

  admit(pattern: string, payload: unknown): ReturnType<AdmissionCheck> {
    if (this.isLeaving) return { reason: LEAVING_REASON };
    if (!this.findHandler(pattern)) return { reason: 'no-such-pattern' };
    return this.admissionCheck?.(pattern, payload);
  }

  async handle(pattern: string, payload: unknown, context: BusContext): Promise<unknown> {
    const handler = this.findHandler(pattern);
    if (!handler) throw new Error(`Nobody handles ${pattern}.`);
    const result: unknown = await handler(payload, new WorkerBusContext(context));
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
  }

  private findHandler(pattern: string): Handler | undefined {
    const handler = this.getHandlers().get(pattern);
    return handler?.isEventHandler ? undefined : handler;
  }
}

type Handler = (payload: unknown, context: WorkerBusContext) => Promise<unknown>;
