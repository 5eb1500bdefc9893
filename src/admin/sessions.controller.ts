import { Delete, Get, Header, HttpCode, Param, Query } from '@nestjs/common';
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

/** A client's session, as it is shown. Its own id is the client's secret, and not in it. */
export interface SessionResponse extends Omit<SessionView, 'serial' | 'caller' | 'lastUsedAt'> {
  /** Names it to `DELETE`. */
  readonly id: string;
  readonly worker: string;
  /** Issuer and subject of the caller. */
  readonly principal: string;
  /** RFC 3339. */
  readonly lastUsedAt: string;
}

/** The sessions of legacy clients, at all workers. */
@AdminController('sessions')
export class SessionsController {
  constructor(private readonly inspection: Inspection) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Lists the sessions of clients, a page at a time', response: 'SessionPage' })
  async list(@Query() query: PageQuery): Promise<Omit<WorkerPage<never>, 'items'> & { items: SessionResponse[] }> {
    const ask = (worker: string, page: { after: number; limit: number }) => this.inspection.sessionsAt(worker, page);
    const { items, ...rest } = await paginateWorkers(this.inspection.aliveIds, query, ask);
    return { items: items.map(shown), ...rest };
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Shows a session', response: 'Session' })
  async find(@Param('id') id: string): Promise<SessionResponse> {
    const ask = (worker: string, page: { after: number; limit: number }) => this.inspection.sessionsAt(worker, page);
    const session = await findAtWorker(id, ask);
    if (!session) throw new ResourceNotFound('The session');
    return shown(session);
  }

  /** Ends a session: its calls are cancelled, and its client is told 404 when it comes back. */
  @Delete(':id')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Ends a session' })
  async end(@Param('id') id: string): Promise<void> {
    const placed = parseWorkerResourceId(id);
    const isEnded = placed && (await this.inspection.endSession(placed.worker, placed.serial));
    if (!isEnded) throw new ResourceNotFound('The session');
  }
}

function shown({ serial, worker, caller, lastUsedAt, ...view }: SessionView & { worker: string }): SessionResponse {
  return {
    id: toWorkerResourceId(worker, serial),
    worker,
    ...view,
    principal: caller,
    lastUsedAt: new Date(lastUsedAt).toISOString(),
  };
}
