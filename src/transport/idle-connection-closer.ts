import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** Connections that are remembered before those that ended, or were used, are forgotten again. */
const MIN_PRUNE_SIZE = 64;

/** A request may be on its way over a connection that was opened, or last answered, just now. */
const CLOSE_INTERVAL_MS = 250;

/**
 * Closes connections that carry nothing when the worker leaves. Node closes those that are idle at that moment; it
 * leaves alone those that become idle afterwards, when the last answer is out, and those over which nothing ever came.
 * Either would hold up the shutdown until its time is over.
 */
@Injectable()
export class IdleConnectionCloser implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  // Nothing is hung on the sockets themselves: a listener for their end makes every request over them slower by a third.
  private unusedSockets: Socket[] = [];
  private pruneAt = MIN_PRUNE_SIZE;
  private closeTimer: NodeJS.Timeout | undefined;

  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    this.server.on('connection', (socket) => {
      this.unusedSockets.push(socket);
      if (this.unusedSockets.length > this.pruneAt) this.prune();
    });
  }

  beforeApplicationShutdown(): void {
    this.closeTimer = setInterval(() => this.closeIdle(), CLOSE_INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.closeTimer);
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
