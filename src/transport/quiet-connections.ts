import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

/** A request may be on its way over a connection that was opened, or last answered, just now. */
const GRACE_MS = 250;

/**
 * Closes connections that carry nothing when the worker leaves. Node closes those that are idle at that moment; it
 * leaves alone those that become idle afterwards, when the last answer is out, and those over which nothing ever came.
 * Either would hold up the shutdown until its time is over.
 */
@Injectable()
export class QuietConnections implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly open = new Set<Socket>();
  private closing: NodeJS.Timeout | undefined;

  constructor(private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    this.server.on('connection', (socket) => {
      this.open.add(socket);
      socket.once('close', () => this.open.delete(socket));
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

  private closeQuiet(): void {
    this.server.closeIdleConnections();
    for (const socket of this.open) if (socket.bytesRead === 0) socket.destroy();
  }
}
