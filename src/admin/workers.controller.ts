import { Get, Header, HttpCode, Param, Post } from '@nestjs/common';
import type { WorkerView } from './inspection/inspection-orders.js';
import { Inspection } from './inspection/inspection.js';
import { ResourceNotFound } from './admin.errors.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

/** A worker of the gateway. */
export interface WorkerResponse extends Omit<WorkerView, 'startedAt'> {
  /** Worker id, generated at the start of the process and never reused. */
  readonly id: string;
  /** RFC 3339. */
  readonly startedAt: string;
}

export interface WorkersResponse {
  readonly items: readonly WorkerResponse[];
  /** Live workers that did not reply. */
  readonly silentWorkers: readonly string[];
}

/** The workers of this gateway. */
@AdminController('workers')
export class WorkersController {
  constructor(private readonly inspection: Inspection) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'List the workers', response: 'Workers' })
  async list(): Promise<WorkersResponse> {
    const { answers, unresponsive } = await this.inspection.workers();
    const items = answers.map(({ worker, answer: { startedAt, ...view } }) => ({
      id: worker,
      ...view,
      startedAt: new Date(startedAt).toISOString(),
    }));
    return { items, silentWorkers: unresponsive };
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Show a worker', response: 'Worker' })
  async find(@Param('id') id: string): Promise<WorkerResponse> {
    const worker = (await this.list()).items.find((each) => each.id === id);
    if (!worker) throw new ResourceNotFound('The worker');
    return worker;
  }

  /** Starts the drain of a worker, like SIGTERM: in-flight calls finish and sessions move. Responds before the drain ends. */
  @Post(':id/drain')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(202)
  @DescribeRoute({ summary: 'Drain a worker and shut it down, like SIGTERM' })
  async drain(@Param('id') id: string): Promise<void> {
    if (!this.inspection.aliveIds.includes(id) || !(await this.inspection.drainWorker(id)))
      throw new ResourceNotFound('The worker');
  }
}
