import { Delete, Get, HttpCode, Param } from '@nestjs/common';
import { ParkedDirectory, type LocatedParkedCall } from '../calls/index.js';
import { ResourceNotFound } from './admin.errors.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

/** A parked call: a call that waits for answers of its client. */
export interface ParkedCallResponse {
  /** Id for `GET` and `DELETE`. */
  readonly id: string;
  readonly worker: string;
  readonly server: string;
  readonly method: string;
  /** Name of the tool or prompt as its server defines it, or URI of the resource. */
  readonly item: string;
  /** Issuer and subject of the caller. */
  readonly principal: string;
  /** RFC 3339. */
  readonly begunAt: string;
  /** Methods of the pending questions. Their content is private to the client. */
  readonly questions: readonly string[];
  /** Number of requests of the client that currently wait for the call. */
  readonly waiting: number;
}

export interface ParkedCallsResponse {
  /** Oldest first. */
  readonly items: readonly ParkedCallResponse[];
  /** Workers that did not reply. They may have further items. */
  readonly silentWorkers: readonly string[];
}

/** `worker.call`: both are base64url, which contains no dot. */
const ID = /^([\w-]{1,64})\.([\w-]{1,64})$/;

/** The parked calls of all workers. */
@AdminController('parked-calls')
export class ParkedCallsController {
  constructor(private readonly directory: ParkedDirectory) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({
    summary: 'List parked calls: calls that wait for answers of their clients',
    response: 'ParkedCalls',
  })
  async list(): Promise<ParkedCallsResponse> {
    const { calls, unresponsive: silent } = await this.directory.list();
    return { items: calls.map(toResponse), silentWorkers: silent };
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @DescribeRoute({ summary: 'Show a parked call', response: 'ParkedCall' })
  async find(@Param('id') id: string): Promise<ParkedCallResponse> {
    const { calls } = await this.directory.list();
    const call = calls.map(toResponse).find((each) => each.id === id);
    if (!call) throw new ResourceNotFound('The parked call');
    return call;
  }

  /** Cancels the call at its server. The next request of its client gets the error that the outcome is unknown. */
  @Delete(':id')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Cancel a parked call at its server' })
  async cancel(@Param('id') id: string): Promise<void> {
    const [, worker, call] = ID.exec(id) ?? [];
    const isCancelled = worker !== undefined && call !== undefined && (await this.directory.cancel(worker, call));
    if (!isCancelled) throw new ResourceNotFound('The parked call');
  }
}

function toResponse({ id, worker, caller, begunAt, ...call }: LocatedParkedCall): ParkedCallResponse {
  return { id: `${worker}.${id}`, worker, ...call, principal: caller, begunAt: new Date(begunAt).toISOString() };
}
