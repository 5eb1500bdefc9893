import { Delete, Get, Header, HttpCode, Param, Query } from '@nestjs/common';
import { Inspection } from './inspection/inspection.js';
import type { UpstreamView } from '../connections/index.js';
import { ResourceNotFound } from './admin.errors.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import {
  findAtWorker,
  paginateWorkers,
  PageQuery,
  toWorkerResourceId,
  parseWorkerResourceId,
  type WorkerPage,
} from './pages.js';
import { DescribeRoute } from './openapi/route-description.js';

/** A connection to a server, as it is shown: an upstream session, a child process, or a pool for a modern server. */
export interface UpstreamSessionResponse extends Omit<UpstreamView, 'serial' | 'idleSince'> {
  /** Names it to `DELETE`. */
  readonly id: string;
  readonly worker: string;
  /** RFC 3339; nobody has used it since. */
  readonly idleSince?: string;
}

/** The connections to servers, at all workers. */
@AdminController('upstream-sessions')
export class UpstreamSessionsController {
  constructor(private readonly inspection: Inspection) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Lists the connections to servers, a page at a time', response: 'UpstreamSessionPage' })
  async list(
    @Query() query: PageQuery,
  ): Promise<Omit<WorkerPage<never>, 'items'> & { items: UpstreamSessionResponse[] }> {
    const ask = (worker: string, page: { after: number; limit: number }) => this.inspection.upstreamsAt(worker, page);
    const { items, ...rest } = await paginateWorkers(this.inspection.aliveIds, query, ask);
    return { items: items.map(shown), ...rest };
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Shows a connection to a server', response: 'UpstreamSession' })
  async find(@Param('id') id: string): Promise<UpstreamSessionResponse> {
    const ask = (worker: string, page: { after: number; limit: number }) => this.inspection.upstreamsAt(worker, page);
    const connection = await findAtWorker(id, ask);
    if (!connection) throw new ResourceNotFound('The upstream session');
    return shown(connection);
  }

  /** Closes a connection once its calls are answered; the next call opens another one. */
  @Delete(':id')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Closes a connection once its calls are answered' })
  async close(@Param('id') id: string): Promise<void> {
    const placed = parseWorkerResourceId(id);
    const isClosed = placed && (await this.inspection.closeUpstream(placed.worker, placed.serial));
    if (!isClosed) throw new ResourceNotFound('The upstream session');
  }
}

function shown({ serial, worker, idleSince, ...view }: UpstreamView & { worker: string }): UpstreamSessionResponse {
  return {
    id: toWorkerResourceId(worker, serial),
    worker,
    ...view,
    ...(idleSince !== undefined && { idleSince: new Date(idleSince).toISOString() }),
  };
}
