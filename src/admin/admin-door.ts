import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { UnreadBody } from './json-body.pipe.js';

const MOST_BYTES = 4 * 1024 * 1024;

/** How requests come in that are not MCP's: bodies stay unread until it is known who sends them. */
@Injectable()
export class AdminDoor implements OnModuleInit {
  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getInstance<FastifyInstance>();
    server.removeAllContentTypeParsers();
    server.addContentTypeParser(
      '*',
      async (request: FastifyRequest, body: IncomingMessage) =>
        new UnreadBody(request.headers['content-type'], await textOf(body)),
    );
  }
}

/** Undefined when it is too large; its rest is thrown away as it comes. */
async function textOf(body: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MOST_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size <= MOST_BYTES ? Buffer.concat(chunks).toString() : undefined;
}
