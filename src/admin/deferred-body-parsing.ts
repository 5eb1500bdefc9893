import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { UnreadBody } from './json-body.pipe.js';

/** How requests come in that are not MCP's: bodies stay unread until it is known who sends them. */
@Injectable()
export class DeferredBodyParsing implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    server.removeAllContentTypeParsers();
    server.addContentTypeParser(
      '*',
      async (request: FastifyRequest, body: IncomingMessage) => new UnreadBody(request.headers['content-type'], body),
    );
  }
}
