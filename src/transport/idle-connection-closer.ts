import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { Clock } from '#lib/time';

/** The list of unused connections is first pruned at this length. */
const MIN_PRUNE_SIZE = 64;

/** Leaves time for a request that is in transit over a connection that was opened or answered just before. */
const CLOSE_INTERVAL_MS = 250;

/**
 * Closes idle connections while the worker drains. Node closes only connections that are idle when the drain begins. It keeps
 * those that become idle later and those that never carried a request, which would delay the shutdown until its timeout.
 */
@Injectable()
export class IdleConnectionCloser implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  // Sockets get no close listeners: such a listener makes every request over them slower by a third.
  private unusedSockets: Socket[] = [];
  private pruneAt = MIN_PRUNE_SIZE;
  private stopClosing: (() => void) | undefined;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.server.on('connection', (socket) => {
      this.unusedSockets.push(socket);
      if (this.unusedSockets.length > this.pruneAt) this.prune();
    });
  }

  beforeApplicationShutdown(): void {
    this.stopClosing = this.clock.every(CLOSE_INTERVAL_MS, () => this.closeIdle());
  }

  onApplicationShutdown(): void {
    this.stopClosing?.();
  }

  private get server(): Server {
    return this.host.httpAdapter.getHttpServer() as Server;
  }

  private prune(): void {
    this.unusedSockets = this.unusedSockets.filter((socket) => !socket.destroyed && socket.bytesRead === 0);
    this.pruneAt = Math.max(MIN_PRUNE_SIZE, 2 * this.unusedSockets.length);
  }

  private closeIdle(): void {
    this.server.closeIdleConnections();
    for (const socket of this.unusedSockets) if (socket.bytesRead === 0) socket.destroy();
  }
}
