import { Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { IsIn, IsOptional } from 'class-validator';
import type { WorkerView } from './inspection/inspection-orders.js';
import { Inspection } from './inspection/inspection.js';
import { ConfirmationRequired, ResourceNotFound } from './admin.errors.js';
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

/** How a drain is confirmed. */
class DrainQuery {
  /** `only-worker` confirms the drain of the only worker, which stops the gateway. */
  @IsOptional()
  @IsIn(['only-worker'], { message: 'confirm must be only-worker' })
  readonly confirm?: 'only-worker';
}

/** The workers of this gateway. */
@AdminController('workers')
export class WorkersController {
  constructor(private readonly inspection: Inspection) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
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
  @DescribeRoute({ summary: 'Show a worker', response: 'Worker' })
  async find(@Param('id') id: string): Promise<WorkerResponse> {
    const worker = (await this.list()).items.find((each) => each.id === id);
    if (!worker) throw new ResourceNotFound('The worker');
    return worker;
  }

  /**
   * Starts the drain of a worker, like SIGTERM: in-flight calls finish and sessions move. Responds before the drain ends.
   * Draining the only worker stops the gateway, so it needs a confirmation.
   */
  @Post(':id/drain')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(202)
  @DescribeRoute({ summary: 'Drain a worker and shut it down, like SIGTERM' })
  async drain(@Param('id') id: string, @Query() { confirm }: DrainQuery): Promise<void> {
    if (!this.inspection.aliveIds.includes(id)) throw new ResourceNotFound('The worker');
    if (confirm === undefined && (await this.isOnlyWorker(id))) throw new ConfirmationRequired();
    if (!(await this.inspection.drainWorker(id))) throw new ResourceNotFound('The worker');
  }

  /** A worker that drains or does not reply cannot take over. Repeating the drain of a worker that drains is harmless. */
  private async isOnlyWorker(id: string): Promise<boolean> {
    const { answers } = await this.inspection.workers();
    const isServing = ({ answer }: { answer: WorkerView }): boolean => !answer.isLeaving;
    const drained = answers.find(({ worker }) => worker === id);
    if (drained && !isServing(drained)) return false;
    return !answers.some((each) => each.worker !== id && isServing(each));
  }
}
