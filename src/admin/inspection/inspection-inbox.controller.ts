import { Controller, UseInterceptors } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { SessionPool } from '../../session-pool/index.js';
import { ServerHealth, UpstreamPool, type HealthView } from '../../connections/index.js';
import { ForwardedRpcInterceptor } from '../../workers/index.js';
import {
  InspectionPattern,
  type DecisionViews,
  type EndedReply,
  type HealthOrder,
  type HealthViews,
  type PageOrder,
  type SerialOrder,
  type WorkerFigures,
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
    return this.inspection.describeLocalWorker();
  }

  @MessagePattern(InspectionPattern.sessions)
  listSessions(@Payload() page: PageOrder) {
    return { items: this.sessions.list(page) };
  }

  @MessagePattern(InspectionPattern.upstreams)
  listUpstreams(@Payload() page: PageOrder) {
    return { items: this.upstreams.list(page) };
  }

  @MessagePattern(InspectionPattern.endSession)
  endSession(@Payload() { serial }: SerialOrder): EndedReply {
    return { ended: this.sessions.endBySerial(serial) };
  }

  @MessagePattern(InspectionPattern.closeUpstream)
  closeUpstream(@Payload() { serial }: SerialOrder): EndedReply {
    return { ended: this.upstreams.closeBySerial(serial) };
  }

  @MessagePattern(InspectionPattern.health)
  serverHealth(@Payload() { server }: HealthOrder): HealthView {
    return this.health.get(server);
  }

  @MessagePattern(InspectionPattern.allHealth)
  allHealth(): HealthViews {
    return this.inspection.localHealth();
  }

  @MessagePattern(InspectionPattern.figures)
  figures(): WorkerFigures {
    return this.inspection.localFigures();
  }

  @MessagePattern(InspectionPattern.guardrailDecisions)
  guardrailDecisions(): DecisionViews {
    return this.inspection.localDecisions();
  }

  @MessagePattern(InspectionPattern.drain)
  drain(): EndedReply {
    return { ended: this.inspection.drainLocalWorker() };
  }
}
