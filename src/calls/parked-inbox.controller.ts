import { Controller, UseInterceptors } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import { WorkerBusContext } from '#lib/worker-bus';
import { ParkedCalls } from './parked-calls.js';
import { PlainReply } from './call-replies.js';
import type { CallResult } from './parkable-call.js';
import { ForwardedRpcInterceptor } from '../workers/index.js';
import { ParkedPattern, type CancelParkedOrder, type ParkedList, type ResumeOrder } from './parked-orders.js';

/** Serves the requests of other workers about the calls that are parked here. */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class ParkedInboxController {
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
}
