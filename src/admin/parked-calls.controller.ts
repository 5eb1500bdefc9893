import { Delete, Get, Header, HttpCode, Param } from '@nestjs/common';
import { ParkedDirectory, type LocatedParkedCall } from '../calls/index.js';
import { ResourceNotFound } from './admin.errors.js';
import { RequireRoles } from './admin-guard.js';
import { AdminController } from './admin-route.js';
import { DescribeRoute } from './openapi/route-description.js';

/** A call that waits for answers of its client, as it is shown. */
export interface ParkedCallResponse {
  /** Names it to `DELETE`. */
  readonly id: string;
  readonly worker: string;
  readonly server: string;
  readonly method: string;
  /** Name of the tool or prompt at its server, or URI of the resource. */
  readonly item: string;
  /** Issuer and subject of the caller. */
  readonly principal: string;
  /** RFC 3339. */
  readonly begunAt: string;
  /** Methods of the questions that are before the client; what they say is the client's affair. */
  readonly questions: readonly string[];
  /** Requests of the client that wait for the call now. */
  readonly waiting: number;
}

export interface ParkedCallsResponse {
  /** Oldest first. */
  readonly items: readonly ParkedCallResponse[];
  /** Workers that did not answer: they may have more. */
  readonly silentWorkers: readonly string[];
}

/** `worker.call`: both are base64url, which has no dot. */
const ID = /^([\w-]{1,64})\.([\w-]{1,64})$/;

/** The calls of all workers that wait for their clients. */
@AdminController('parked-calls')
export class ParkedCallsController {
  constructor(private readonly directory: ParkedDirectory) {}

  @Get()
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Lists the calls that wait for their clients', response: 'ParkedCalls' })
  async list(): Promise<ParkedCallsResponse> {
    const { calls, unresponsive: silent } = await this.directory.list();
    return { items: calls.map(shown), silentWorkers: silent };
  }

  @Get(':id')
  @RequireRoles(['admin', 'operator', 'auditor'])
  @Header('cache-control', 'no-store')
  @DescribeRoute({ summary: 'Shows a call that waits for its client', response: 'ParkedCall' })
  async find(@Param('id') id: string): Promise<ParkedCallResponse> {
    const { calls } = await this.directory.list();
    const call = calls.map(shown).find((each) => each.id === id);
    if (!call) throw new ResourceNotFound('The parked call');
    return call;
  }

  /** Cancels the call at its server. Its client is told when it comes back that its outcome is unknown. */
  @Delete(':id')
  @RequireRoles(['admin', 'operator'])
  @HttpCode(204)
  @DescribeRoute({ summary: 'Cancels a parked call at its server' })
  async cancel(@Param('id') id: string): Promise<void> {
    const [, worker, call] = ID.exec(id) ?? [];
    const isCancelled = worker !== undefined && call !== undefined && (await this.directory.cancel(worker, call));
    if (!isCancelled) throw new ResourceNotFound('The parked call');
  }
}

function shown({ id, worker, caller, begunAt, ...call }: LocatedParkedCall): ParkedCallResponse {
  return { id: `${worker}.${id}`, worker, ...call, principal: caller, begunAt: new Date(begunAt).toISOString() };
}
