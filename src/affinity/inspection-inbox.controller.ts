import { Controller, UseInterceptors } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ServerHealth, SessionPool, UpstreamPool, type HealthView } from '../session-pool/index.js';
import { ForwardedRpcInterceptor } from './forwarded-rpc.interceptor.js';
import {
  InspectionPattern,
  type Ended,
  type HealthOrder,
  type PageOrder,
  type SerialOrder,
  type WorkerView,
} from './inspection-orders.js';
import { Inspection } from './inspection.js';

/** Serves the requests of other workers on behalf of administrators. */
@Controller()
@UseInterceptors(ForwardedRpcInterceptor)
export class InspectionInboxController {
  constructor(
    private readonly inspection: Inspection,
    private readonly sessions: SessionPool,
    private readonly upstreams: UpstreamPool,
    private readonly health: ServerHealth,
  ) {}

  @MessagePattern(InspectionPattern.worker)
  worker(): WorkerView {
    return this.inspection.workerHere();
  }

  @MessagePattern(InspectionPattern.sessions)
  listSessions(@Payload() page: PageOrder) {
    return { items: this.sessions.view(page) };
  }

  @MessagePattern(InspectionPattern.upstreams)
  listUpstreams(@Payload() page: PageOrder) {
    return { items: this.upstreams.view(page) };
  }

  @MessagePattern(InspectionPattern.endSession)
  endSession(@Payload() { serial }: SerialOrder): Ended {
    return { ended: this.sessions.endBySerial(serial) };
  }

  @MessagePattern(InspectionPattern.closeUpstream)
  closeUpstream(@Payload() { serial }: SerialOrder): Ended {
    return { ended: this.upstreams.closeBySerial(serial) };
  }

  @MessagePattern(InspectionPattern.health)
  serverHealth(@Payload() { server }: HealthOrder): HealthView {
    return this.health.of(server);
  }

  @MessagePattern(InspectionPattern.drain)
  drain(): Ended {
    return { ended: this.inspection.drainHere() };
  }
}
