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
const FIRST_PRUNE = 64;

/** A request may be on its way over a connection that was opened, or last answered, just now. */
const GRACE_MS = 250;

/**
 * Closes connections that carry nothing when the worker leaves. Node closes those that are idle at that moment; it
 * leaves alone those that become idle afterwards, when the last answer is out, and those over which nothing ever came.
 * Either would hold up the shutdown until its time is over.
 */
@Injectable()
export class QuietConnections implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  // Nothing is hung on the sockets themselves: a listener for their end makes every request over them slower by a third.
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
