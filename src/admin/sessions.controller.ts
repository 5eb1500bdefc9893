import { Delete, Get, Header, HttpCode, Param, Query } from '@nestjs/common';
import { Inspection } from '../affinity/index.js';
import type { SessionView } from '../session-pool/index.js';
import { NotThere } from './admin.errors.js';
import { Takes } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { findPlaced, pageOverWorkers, PageQuery, placedName, readPlaced, type PlacedPage } from './pages.js';
import { Describes } from './openapi/described.js';

/** A client's session, as it is shown. Its own id is the client's secret, and not in it. */
export interface ShownSession extends Omit<SessionView, 'serial' | 'caller' | 'lastUsedAt'> {
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
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'Lists the sessions of clients, a page at a time', answer: 'SessionPage' })
  async list(@Query() query: PageQuery): Promise<Omit<PlacedPage<never>, 'items'> & { items: ShownSession[] }> {
    const ask = (worker: string, page: { after: number; limit: number }) => this.inspection.sessionsAt(worker, page);
    const { items, ...rest } = await pageOverWorkers(this.inspection.living, query, ask);
    return { items: items.map(shown), ...rest };
  }

  @Get(':id')
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'Shows a session', answer: 'Session' })
  async find(@Param('id') id: string): Promise<ShownSession> {
    const ask = (worker: string, page: { after: number; limit: number }) => this.inspection.sessionsAt(worker, page);
    const session = await findPlaced(id, ask);
    if (!session) throw new NotThere('The session');
    return shown(session);
  }

  /** Ends a session: its calls are cancelled, and its client is told 404 when it comes back. */
  @Delete(':id')
  @Takes(['admin', 'operator'])
  @HttpCode(204)
  @Describes({ summary: 'Ends a session' })
  async end(@Param('id') id: string): Promise<void> {
    const placed = readPlaced(id);
    const isEnded = placed && (await this.inspection.endSession(placed.worker, placed.serial));
    if (!isEnded) throw new NotThere('The session');
  }
}

function shown({ serial, worker, caller, lastUsedAt, ...view }: SessionView & { worker: string }): ShownSession {
  return {
    id: placedName(worker, serial),
    worker,
    ...view,
    principal: caller,
    lastUsedAt: new Date(lastUsedAt).toISOString(),
  };
}
