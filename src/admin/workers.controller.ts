import { Get, Header, HttpCode, Param, Post } from '@nestjs/common';
import { Inspection, type WorkerView } from '../affinity/index.js';
import { NotThere } from './admin.errors.js';
import { Takes } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { Describes } from './openapi/described.js';

/** A worker of the gateway. */
export interface ShownWorker extends Omit<WorkerView, 'startedAt'> {
  /** Worker id, generated at the start of the process and never reused. */
  readonly id: string;
  /** RFC 3339. */
  readonly startedAt: string;
}

export interface ShownWorkers {
  readonly items: readonly ShownWorker[];
  /** Live workers that did not reply. */
  readonly silentWorkers: readonly string[];
}

/** The workers of this gateway. */
@AdminController('workers')
export class WorkersController {
  constructor(private readonly inspection: Inspection) {}

  @Get()
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'List the workers', answer: 'Workers' })
  async list(): Promise<ShownWorkers> {
    const { told, silent } = await this.inspection.workers();
    const items = told.map(({ worker, answer: { startedAt, ...view } }) => ({
      id: worker,
      ...view,
      startedAt: new Date(startedAt).toISOString(),
    }));
    return { items, silentWorkers: silent };
  }

  @Get(':id')
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'Show a worker', answer: 'Worker' })
  async find(@Param('id') id: string): Promise<ShownWorker> {
    const worker = (await this.list()).items.find((each) => each.id === id);
    if (!worker) throw new NotThere('The worker');
    return worker;
  }

  /** Starts the drain of a worker, like SIGTERM: in-flight calls finish and sessions move. Responds before the drain ends. */
  @Post(':id/drain')
  @Takes(['admin', 'operator'])
  @HttpCode(202)
  @Describes({ summary: 'Drain a worker and shut it down, like SIGTERM' })
  async drain(@Param('id') id: string): Promise<void> {
    if (!this.inspection.living.includes(id) || !(await this.inspection.drainWorker(id)))
      throw new NotThere('The worker');
  }
}
