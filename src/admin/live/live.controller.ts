import { Get, Req, Res } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdminController } from '../admin-route.js';
import { RequireRoles } from '../admin-guard.js';
import type { AdminRole } from '../admin-role.js';
import { DescribeRoute } from '../openapi/route-description.js';
import { CurrentCaller } from '../request-caller.js';
import { LiveStreams } from './live-streams.js';

const ROLES: readonly AdminRole[] = ['admin', 'operator', 'auditor'];

/** Figures of the running gateway as an event stream. */
@AdminController('live')
export class LiveController {
  constructor(private readonly streams: LiveStreams) {}

  @Get()
  @RequireRoles(ROLES)
  @DescribeRoute({
    summary: 'Stream live figures: an event "figures" about every two seconds, whose data is one JSON object',
    response: 'LiveFigures',
    mediaType: 'text/event-stream',
  })
  stream(@Req() request: FastifyRequest, @CurrentCaller() caller: Caller, @Res() reply: FastifyReply): void {
    // Only the head of a HEAD request is answered, so it would stay open without a reader.
    if (request.method === 'HEAD') return void reply.type('text/event-stream').send();
    this.streams.open(request.raw, reply.raw, caller, ROLES);
    reply.hijack();
  }
}
