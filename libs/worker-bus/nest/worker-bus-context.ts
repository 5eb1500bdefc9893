import { BaseRpcContext } from '@nestjs/microservices';
import type { BusContext } from '../bus.js';

/** Context of a request, injected into `@MessagePattern` handlers by `@Ctx()`. */
export class WorkerBusContext extends BaseRpcContext<[BusContext]> implements BusContext {
  constructor(context: BusContext) {
    super([context]);
  }

  get requester(): string {
    return this.args[0].requester;
  }

  get request(): string {
    return this.args[0].request;
  }

  get signal(): AbortSignal {
    return this.args[0].signal;
  }

  emit(event: unknown): void | Promise<void> {
    return this.args[0].emit(event);
  }
}
