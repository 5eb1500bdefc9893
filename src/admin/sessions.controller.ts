import { Delete, Get, Header, HttpCode, Param, Query } from '@nestjs/common';
import { Inspection } from '../affinity/index.js';
import type { SessionView } from '../session-pool/index.js';
import { NotThere } from './admin.errors.js';
import { Takes } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { findPlaced, pageOverWorkers, PageQuery, placedName, readPlaced, type PlacedPage } from './pages.js';
import { Describes } from './openapi/described.js';

/** A session of a legacy client. It does not contain the MCP session id, which is a secret of the client. */
export interface ShownSession extends Omit<SessionView, 'serial' | 'caller' | 'lastUsedAt'> {
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
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'List the sessions of legacy clients', answer: 'SessionPage' })
  async list(@Query() query: PageQuery): Promise<Omit<PlacedPage<never>, 'items'> & { items: ShownSession[] }> {
    const querySessions = (worker: string, page: { after: number; limit: number }) =>
      this.inspection.sessionsAt(worker, page);
    const { items, ...rest } = await pageOverWorkers(this.inspection.living, query, querySessions);
    return { items: items.map(toResponse), ...rest };
  }

  @Get(':id')
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'Show a session', answer: 'Session' })
  async find(@Param('id') id: string): Promise<ShownSession> {
    const querySessions = (worker: string, page: { after: number; limit: number }) =>
      this.inspection.sessionsAt(worker, page);
    const session = await findPlaced(id, querySessions);
    if (!session) throw new NotThere('The session');
    return toResponse(session);
  }

  /** Ends a session and cancels its calls. Later requests of its client get 404. */
  @Delete(':id')
  @Takes(['admin', 'operator'])
  @HttpCode(204)
  @Describes({ summary: 'End a session and cancel its calls' })
  async end(@Param('id') id: string): Promise<void> {
    const parsed = readPlaced(id);
    const isEnded = parsed && (await this.inspection.endSession(parsed.worker, parsed.serial));
    if (!isEnded) throw new NotThere('The session');
  }
}

function toResponse({ serial, worker, caller, lastUsedAt, ...view }: SessionView & { worker: string }): ShownSession {
  return {
    id: placedName(worker, serial),
    worker,
    ...view,
    principal: caller,
    lastUsedAt: new Date(lastUsedAt).toISOString(),
  };
}
