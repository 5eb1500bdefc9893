import { Controller, UseInterceptors, type BeforeApplicationShutdown } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { WorkerBusContext } from '#lib/worker-bus';
import { ParkedCalls, PlainReply, type CallResult } from '../session-pool/index.js';
import { ForwardedRpcInterceptor } from './forwarded-rpc.interceptor.js';
import { waitForInFlight } from './wait-for-in-flight.js';
import { ParkedPattern, type CancelParkedOrder, type ParkedList, type ResumeOrder } from './parked-orders.js';

/** Serves the requests of other workers about the calls that are parked here. */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class ParkedInboxController implements BeforeApplicationShutdown {
  constructor(private readonly parkedCalls: ParkedCalls) {}

  @MessagePattern(ParkedPattern.resume)
  async resume(@Payload() order: ResumeOrder, @Ctx() context: WorkerBusContext): Promise<CallResult> {
    const { call, caller, responses, progressToken, logLevel } = order;
    const sink = { emit: (event: unknown) => context.emit(event), end: () => undefined };
    const listener = { reply: new PlainReply(sink, logLevel), progressToken, signal: context.signal };
    return this.parkedCalls.resume(call, caller, responses, listener);
  }

  @MessagePattern(ParkedPattern.list)
  async list(): Promise<ParkedList> {
    return { kind: 'parked', calls: this.parkedCalls.list() };
  }

  @MessagePattern(ParkedPattern.cancel)
  async cancel(@Payload() { call }: CancelParkedOrder): Promise<{ readonly cancelled: boolean }> {
    return { cancelled: this.parkedCalls.cancel(call) };
  }

  /**
   * Waits until the clients that have sent answers receive the outcome of their calls. No other worker can continue a
   * parked call, because its server waits on a connection of this process.
   */
  async beforeApplicationShutdown(): Promise<void> {
    await waitForInFlight(this.parkedCalls.whenIdle());
    this.parkedCalls.cancelAll();
  }
}
