import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** A request may be on its way over a connection that was opened just now. */
const GRACE_MS = 500;

/**
 * Closes connections over which nothing ever came when the worker leaves. To Node such a connection is not idle, so
 * that a client which connected ahead of need would hold up the shutdown until its request times out.
 */
@Injectable()
export class QuietConnections implements OnModuleInit, BeforeApplicationShutdown {
  private readonly open = new Set<Socket>();

  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const server = this.host.httpAdapter.getHttpServer() as Server;
    server.on('connection', (socket) => {
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
    });
  }

  beforeApplicationShutdown(): void {
    setTimeout(() => this.closeQuiet(), GRACE_MS).unref();
  }

  private closeQuiet(): void {
    for (const socket of this.open) if (socket.bytesRead === 0) socket.destroy();
  }
}
