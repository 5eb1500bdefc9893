import { Controller, UseInterceptors } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ForwardedRpcInterceptor } from '../workers/index.js';
import { CheckPattern, type PingProcessOrder, type ProcessAnswer } from './check-order.js';
import { ProcessChecks } from './process-checks.js';

/** Serves the health checks of other workers for the processes that this worker runs. */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class CheckInboxController {
  constructor(private readonly processes: ProcessChecks) {}

  @MessagePattern(CheckPattern.pingProcess)
  pingProcess(@Payload() { server }: PingProcessOrder): Promise<ProcessAnswer> {
    return this.processes.pingLocally(server);
  }
}
