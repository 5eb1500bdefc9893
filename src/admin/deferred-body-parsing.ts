import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { UnreadBody } from './json-body.pipe.js';

/** Leaves the bodies of HTTP requests other than MCP unread until their caller is authenticated. */
@Injectable()
export class DeferredBodyParsing implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    server.removeAllContentTypeParsers();
    server.addContentTypeParser(
      '*',
      async (request: FastifyRequest, body: IncomingMessage) => new UnreadBody(request.headers, body),
    );
  }
}
