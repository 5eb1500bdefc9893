import { setImmediate as nextTurn } from 'node:timers/promises';
import { Server, type CustomTransportStrategy } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { BusContext, BusService } from '../bus.js';
import { BusNode } from '../bus-node.js';
import type { BusParts } from '../bus-parts.js';
import { BusLog } from './bus-log.js';
import { WorkerBusContext } from './worker-bus-context.js';

const READY_TIMEOUT_MS = 2_000;

/** Refusal reason of a worker that leaves. Nothing has run; its sessions are at a new owner, or closed. */
export const LEAVING_REASON = 'leaving';

/** Checks a request before it is claimed; see `BusService.admit`. */
export type AdmissionCheck = NonNullable<BusService['admit']>;

/**
 * Nest transport between workers: `@MessagePattern` handlers serve the requests of other workers. The value that a
 * handler returns, or the last value of its Observable, is the end; an error that passes the exception filters is the
 * end `failed`. A pattern without a handler is refused as `no-such-pattern`, and every pattern as `leaving` once the
 * worker leaves.
 */
export class WorkerBusServer extends Server implements CustomTransportStrategy, BusService {
  /** The bus of this worker, to be provided as `WorkerBus`. It has started once `listen` has called back. */
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
    // Wait, so that the first requests find the bus ready; but not for ever, because Redis may be down.
    const ready = this.node.start().then(() => this.node.membership.whenReady(READY_TIMEOUT_MS));
    ready.then(() => callback(), callback);
  }

  /** Leaves the cluster: from now on this worker is dead for the others. */
  override async close(): Promise<void> {
    // A request that started now would be interrupted with an unknown outcome.
    this.isLeaving = true;
    // A value that a handler has just returned needs one turn to pass through Nest to the bus.
    await nextTurn();
    await this.node.leave();
  }

  /** Nest registers listeners for events of the transport here; this transport has none. */
  override on(): void {}

  /** No library object is wrapped; see `node`. */
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
    if (!handler) throw new Error(`No handler for ${pattern}.`);
    const result: unknown = await handler(payload, new WorkerBusContext(context));
    return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
  }

  private findHandler(pattern: string): Handler | undefined {
    const handler = this.getHandlers().get(pattern);
    return handler?.isEventHandler ? undefined : handler;
  }
}

type Handler = (payload: unknown, context: WorkerBusContext) => Promise<unknown>;
