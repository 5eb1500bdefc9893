import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { isIP, isIPv6, connect as connectPlain, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { connect as connectTls } from 'node:tls';
import type { Clock } from '#lib/time';
import type { ChainedRecord } from '../audit-record.js';
import { AuditSink } from './audit-sink.js';
import { toFrame, toSyslogMessage, type SyslogOrigin } from './syslog-message.js';

/** How a syslog server is reached. */
export type SyslogTarget =
  | { readonly transport: 'udp' | 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly transport: 'unix'; readonly path: string };

type StreamTarget = SyslogTarget & { readonly transport: 'tcp' | 'tls' | 'unix' };

const TIMEOUT_MS = 5_000;

const origin: SyslogOrigin = { host: hostname(), process: process.pid };

/** Sends each record as one message to a syslog server (RFC 5424). Over UDP a lost message goes unnoticed (RFC 5426). */
export function createSyslogSink(name: string, target: SyslogTarget, clock: Clock): AuditSink {
  return target.transport === 'udp'
    ? new SyslogDatagramSink(name, target.host, target.port)
    : new SyslogStreamSink(name, { ...target, transport: target.transport } as StreamTarget, clock);
}

class SyslogDatagramSink extends AuditSink {
  private socket: DatagramSocket | undefined;

  constructor(
    readonly name: string,
    private readonly host: string,
    private readonly port: number,
  ) {
    super();
  }

  async write(records: readonly ChainedRecord[]): Promise<void> {
    for (const record of records) await this.send(toSyslogMessage(record, origin));
  }

  override async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.socket) this.socket.close(() => resolve());
    else resolve();
    await promise;
    this.socket = undefined;
  }

  private async send(message: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.socket ??= createSocket(isIPv6(this.host) ? 'udp6' : 'udp4').on('error', () => undefined);
    this.socket.send(message, this.port, this.host, (fault) => (fault ? reject(fault) : resolve()));
    await promise;
  }
}

/** Over a connection. A batch counts as sent when the kernel has accepted it; the server acknowledges nothing (RFC 6587). */
class SyslogStreamSink extends AuditSink {
  private socket: Socket | undefined;

  constructor(
    readonly name: string,
    private readonly target: StreamTarget,
    private readonly clock: Clock,
  ) {
    super();
  }

  async write(records: readonly ChainedRecord[]): Promise<void> {
    const frames = records.map((record) => toFrame(toSyslogMessage(record, origin))).join('');
    const socket = (this.socket ??= await this.connect());
    await this.settle(socket, (done) => socket.write(frames, done));
  }

  override async close(): Promise<void> {
    const { socket } = this;
    this.socket = undefined;
    if (!socket) return;
    await this.settle(socket, (done) => socket.end(done)).catch(() => undefined);
    socket.destroy();
  }

  private async connect(): Promise<Socket> {
    const { target } = this;
    const socket = openSocket(target);
    const forget = () => {
      if (this.socket === socket) this.socket = undefined;
    };
    // The server sends nothing; reading reveals that it closed the connection.
    socket.resume().on('close', forget).on('end', forget);
    // An error without a listener would end the process; `close` follows it.
    socket.on('error', () => undefined);
    const opened = target.transport === 'tls' ? 'secureConnect' : 'connect';
    await this.settle(socket, (done) => socket.once(opened, () => done()));
    return socket;
  }

  /** Waits for an operation on the socket; ends the connection when it fails or takes too long. */
  private async settle(socket: Socket, begin: (done: (fault?: Error | null) => void) => void): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = this.clock.after(TIMEOUT_MS, () => reject(new Error('The syslog server does not respond.')));
    const fail = (fault: Error) => reject(fault);
    const lose = () => reject(new Error('The syslog server closed the connection.'));
    socket.on('error', fail).once('close', lose);
    begin((fault) => (fault ? reject(fault) : resolve()));
    try {
      await promise;
    } catch (cause) {
      socket.destroy();
      throw cause;
    } finally {
      cancel();
      socket.off('close', lose).off('error', fail);
    }
  }
}

function openSocket(target: StreamTarget): Socket {
  if (target.transport === 'unix') return connectPlain(target.path);
  const { host, port } = target;
  if (target.transport === 'tcp') return connectPlain(port, host);
  // Server names must not be addresses (RFC 6066, 3).
  return connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }) });
}
