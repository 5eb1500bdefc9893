import { Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
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

/** A connection to a server: an upstream session, a child process, or a connection pool of a modern server. */
export interface UpstreamSessionResponse extends Omit<UpstreamView, 'serial' | 'caller' | 'idleSince'> {
  /** Id for `GET` and `DELETE`. */
  readonly id: string;
  readonly worker: string;
  /** Issuer and subject of the caller whom the connection serves. Absent: it serves several. */
  readonly principal?: string;
  /** Time of the last use of an idle connection (RFC 3339). */
  readonly idleSince?: string;
}

/** The connections to servers at all workers. */
@AdminController('upstream-sessions')
export class UpstreamSessionsController {
  constructor(private readonly inspection: Inspection) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'List the connections to servers', response: 'UpstreamSessionPage' })
  async list(
    @Query() query: PageQuery,
  ): Promise<Omit<WorkerPage<never>, 'items'> & { items: UpstreamSessionResponse[] }> {
    const queryConnections = (worker: string, page: { after: number; limit: number }) =>
      this.inspection.upstreamsAt(worker, page);
    const { items, ...rest } = await paginateWorkers(this.inspection.aliveIds, query, queryConnections);
    return { items: items.map(toResponse), ...rest };
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'Show a connection to a server', response: 'UpstreamSession' })
  async find(@Param('id') id: string): Promise<UpstreamSessionResponse> {
    const queryConnections = (worker: string, page: { after: number; limit: number }) =>
      this.inspection.upstreamsAt(worker, page);
    const connection = await findAtWorker(id, queryConnections);
    if (!connection) throw new ResourceNotFound('The upstream session');
    return toResponse(connection);
  }

  /** Closes a connection after its in-flight calls. The next call opens another one. */
  @Delete(':id')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Close a connection to a server after its in-flight calls' })
  async close(@Param('id') id: string): Promise<void> {
    const parsed = parseWorkerResourceId(id);
    const isClosed = parsed && (await this.inspection.closeUpstream(parsed.worker, parsed.serial));
    if (!isClosed) throw new ResourceNotFound('The upstream session');
  }
}

function toResponse({
  serial,
  worker,
  caller,
  idleSince,
  ...view
}: UpstreamView & { worker: string }): UpstreamSessionResponse {
  return {
    id: toWorkerResourceId(worker, serial),
    worker,
    ...view,
    ...(caller !== undefined && { principal: caller }),
    ...(idleSince !== undefined && { idleSince: new Date(idleSince).toISOString() }),
  };
}
