import { Delete, Get, Header, HttpCode, Param, Query } from '@nestjs/common';
import { Inspection } from '../affinity/index.js';
import type { UpstreamView } from '../session-pool/index.js';
import { NotThere } from './admin.errors.js';
import { Takes } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { findPlaced, pageOverWorkers, PageQuery, placedName, readPlaced, type PlacedPage } from './pages.js';
import { Describes } from './openapi/described.js';

/** A connection to a server: an upstream session, a child process, or a connection pool of a modern server. */
export interface ShownUpstream extends Omit<UpstreamView, 'serial' | 'idleSince'> {
  /** Id for `GET` and `DELETE`. */
  readonly id: string;
  readonly worker: string;
  /** Time of the last use of an idle connection (RFC 3339). */
  readonly idleSince?: string;
}

/** The connections to servers at all workers. */
@AdminController('upstream-sessions')
export class UpstreamSessionsController {
  constructor(private readonly inspection: Inspection) {}

  @Get()
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'List the connections to servers', answer: 'UpstreamSessionPage' })
  async list(@Query() query: PageQuery): Promise<Omit<PlacedPage<never>, 'items'> & { items: ShownUpstream[] }> {
    const queryConnections = (worker: string, page: { after: number; limit: number }) =>
      this.inspection.upstreamsAt(worker, page);
    const { items, ...rest } = await pageOverWorkers(this.inspection.living, query, queryConnections);
    return { items: items.map(toResponse), ...rest };
  }

  @Get(':id')
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'Show a connection to a server', answer: 'UpstreamSession' })
  async find(@Param('id') id: string): Promise<ShownUpstream> {
    const queryConnections = (worker: string, page: { after: number; limit: number }) =>
      this.inspection.upstreamsAt(worker, page);
    const connection = await findPlaced(id, queryConnections);
    if (!connection) throw new NotThere('The upstream session');
    return toResponse(connection);
  }

  /** Closes a connection after its in-flight calls. The next call opens another one. */
  @Delete(':id')
  @Takes(['admin', 'operator'])
  @HttpCode(204)
  @Describes({ summary: 'Close a connection to a server after its in-flight calls' })
  async close(@Param('id') id: string): Promise<void> {
    const parsed = readPlaced(id);
    const isClosed = parsed && (await this.inspection.closeUpstream(parsed.worker, parsed.serial));
    if (!isClosed) throw new NotThere('The upstream session');
  }
}

function toResponse({ serial, worker, idleSince, ...view }: UpstreamView & { worker: string }): ShownUpstream {
  return {
    id: placedName(worker, serial),
    worker,
    ...view,
    ...(idleSince !== undefined && { idleSince: new Date(idleSince).toISOString() }),
  };
}
