import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** The list of unused connections is first pruned at this length. */
const FIRST_PRUNE = 64;

/** Leaves time for a request that is in transit over a connection that was opened or answered just before. */
const GRACE_MS = 250;

/**
 * Closes idle connections while the worker drains. Node closes only connections that are idle when the drain begins. It keeps
 * those that become idle later and those that never carried a request, which would delay the shutdown until its timeout.
 */
@Injectable()
export class QuietConnections implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  // Sockets get no close listeners: such a listener makes every request over them slower by a third.
  private open: Socket[] = [];
  private pruneAt = FIRST_PRUNE;
  private closing: NodeJS.Timeout | undefined;

  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    this.server.on('connection', (socket) => {
      this.open.push(socket);
      if (this.open.length > this.pruneAt) this.prune();
    });
  }

  beforeApplicationShutdown(): void {
    this.closing = setInterval(() => this.closeQuiet(), GRACE_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.closing);
  }

  private get server(): Server {
    return this.host.httpAdapter.getHttpServer() as Server;
  }

  private prune(): void {
    this.open = this.open.filter((socket) => !socket.destroyed && socket.bytesRead === 0);
    this.pruneAt = Math.max(FIRST_PRUNE, 2 * this.open.length);
  }

  private closeQuiet(): void {
    this.server.closeIdleConnections();
    for (const socket of this.open) if (socket.bytesRead === 0) socket.destroy();
  }
}
