import { Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { Inspection } from './inspection/inspection.js';
import type { SessionView } from '../session-pool/index.js';
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

/** A session of a legacy client. It does not contain the MCP session id, which is a secret of the client. */
export interface SessionResponse extends Omit<SessionView, 'serial' | 'caller' | 'lastUsedAt'> {
  /** Id for `GET` and `DELETE`. */
  readonly id: string;
  readonly worker: string;
  /** Issuer and subject of the caller. */
  readonly principal: string;
  /** RFC 3339. */
  readonly lastUsedAt: string;
}

/** The sessions of legacy clients at all workers. */
@AdminController('sessions')
export class SessionsController {
  constructor(private readonly inspection: Inspection) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'List the sessions of legacy clients', response: 'SessionPage' })
  async list(@Query() query: PageQuery): Promise<Omit<WorkerPage<never>, 'items'> & { items: SessionResponse[] }> {
    const querySessions = (worker: string, page: { after: number; limit: number }) =>
      this.inspection.sessionsAt(worker, page);
    const { items, ...rest } = await paginateWorkers(this.inspection.aliveIds, query, querySessions);
    return { items: items.map(toResponse), ...rest };
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'Show a session', response: 'Session' })
  async find(@Param('id') id: string): Promise<SessionResponse> {
    const querySessions = (worker: string, page: { after: number; limit: number }) =>
      this.inspection.sessionsAt(worker, page);
    const session = await findAtWorker(id, querySessions);
    if (!session) throw new ResourceNotFound('The session');
    return toResponse(session);
  }

  /** Ends a session and cancels its calls. Later requests of its client get 404. */
  @Delete(':id')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'End a session and cancel its calls' })
  async end(@Param('id') id: string): Promise<void> {
    const parsed = parseWorkerResourceId(id);
    const isEnded = parsed && (await this.inspection.endSession(parsed.worker, parsed.serial));
    if (!isEnded) throw new ResourceNotFound('The session');
  }
}

function toResponse({
  serial,
  worker,
  caller,
  lastUsedAt,
  ...view
}: SessionView & { worker: string }): SessionResponse {
  return {
    id: toWorkerResourceId(worker, serial),
    worker,
    ...view,
    principal: caller,
    lastUsedAt: new Date(lastUsedAt).toISOString(),
  };
}
