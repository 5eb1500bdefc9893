import { Delete, Get, Header, HttpCode, Param, Query } from '@nestjs/common';
import { Inspection } from '../affinity/index.js';
import type { UpstreamView } from '../session-pool/index.js';
import { NotThere } from './admin.errors.js';
import { Takes } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { findPlaced, pageOverWorkers, PageQuery, placedName, readPlaced, type PlacedPage } from './pages.js';
import { Describes } from './openapi/described.js';

/** A connection to a server, as it is shown: an upstream session, a child process, or a pool for a modern server. */
export interface ShownUpstream extends Omit<UpstreamView, 'serial' | 'idleSince'> {
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
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'Lists the connections to servers, a page at a time', answer: 'UpstreamSessionPage' })
  async list(@Query() query: PageQuery): Promise<Omit<PlacedPage<never>, 'items'> & { items: ShownUpstream[] }> {
    const ask = (worker: string, page: { after: number; limit: number }) => this.inspection.upstreamsAt(worker, page);
    const { items, ...rest } = await pageOverWorkers(this.inspection.living, query, ask);
    return { items: items.map(shown), ...rest };
  }

  @Get(':id')
  @Takes(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @Describes({ summary: 'Shows a connection to a server', answer: 'UpstreamSession' })
  async find(@Param('id') id: string): Promise<ShownUpstream> {
    const ask = (worker: string, page: { after: number; limit: number }) => this.inspection.upstreamsAt(worker, page);
    const connection = await findPlaced(id, ask);
    if (!connection) throw new NotThere('The upstream session');
    return shown(connection);
  }

  /** Closes a connection once its calls are answered; the next call opens another one. */
  @Delete(':id')
  @Takes(['admin', 'operator'])
  @HttpCode(204)
  @Describes({ summary: 'Closes a connection once its calls are answered' })
  async close(@Param('id') id: string): Promise<void> {
    const placed = readPlaced(id);
    const isClosed = placed && (await this.inspection.closeUpstream(placed.worker, placed.serial));
    if (!isClosed) throw new NotThere('The upstream session');
  }
}

function shown({ serial, worker, idleSince, ...view }: UpstreamView & { worker: string }): ShownUpstream {
  return {
    id: placedName(worker, serial),
    worker,
    ...view,
    ...(idleSince !== undefined && { idleSince: new Date(idleSince).toISOString() }),
  };
}
