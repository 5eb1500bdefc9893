import { Controller, UseInterceptors } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { ForwardedRpcInterceptor } from './forwarded-rpc.interceptor.js';
import { WorkerRegistry } from './worker-registry.js';
import { WorkersPattern } from './workers-orders.js';

/** Serves what other workers announce about themselves. */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class WorkersInboxController {
  constructor(private readonly workers: WorkerRegistry) {}

  @MessagePattern(WorkersPattern.joined)
  async refresh(): Promise<{ readonly refreshed: true }> {
    await this.workers.refresh();
    return { refreshed: true };
  }
}
