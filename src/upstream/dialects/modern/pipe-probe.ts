import { isJsonObject, outcomeOfMessage, type JsonValue, type TransportFault } from '#lib/mcp-protocol';
import type { Deadlines, Expiring } from '../../channels/deadlines.js';
import type { MessagePipe, PipeReceiver } from '../../channels/message-pipe.js';
import type { PipeEnding } from '../pipe-request.js';
import { discoverText } from './discovery.js';

/** How long a probe waits, in milliseconds. */
export interface ProbeTimeouts {
  /** For an answer of a program that is started already. */
  readonly silentMs: number;
  /** For a program to start. */
  readonly startMs: number;
}

/** What was sent with the ping, and not answered with it, is not answered at all. */
const PING_GRACE_MS = 500;

/**
 * Asks a program that was just started what it is. While it starts it says nothing, as do older servers that ignore what
 * they do not know. What tells the two apart is a ping: servers answer it also before the handshake (specification
 * 2025-11-25: basic/lifecycle), and once one has, its silence to the question means something.
 */
export class PipeProbe implements PipeReceiver, Expiring {
  expiresAt = 0;
  readonly ended: Promise<PipeEnding>;
  private readonly id: number;
  private pingId: number | undefined;
  private waitingMs: number;
  private resolve: (ending: PipeEnding) => void = () => undefined;

  constructor(
    private readonly pipe: MessagePipe,
    private readonly deadlines: Deadlines,
    private readonly timeouts: ProbeTimeouts,
  ) {
    this.id = pipe.nextId();
    this.ended = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.waitingMs = timeouts.silentMs;
    deadlines.add(this, this.waitingMs);
    pipe.attach(this);
    if (!pipe.hasEnded) {
      pipe.send(discoverText(this.id), this.id, (outcome) => this.finish({ kind: 'outcome', outcome }));
    }
  }

  message(value: JsonValue): void {
    if (!isJsonObject(value)) return;
    const { id, method } = value;
    if (method === 'ping' && id !== undefined) {
      void this.pipe.sendOneWay(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
    }
    if (method !== undefined) return;
    if (id === this.id) this.finish({ kind: 'outcome', outcome: outcomeOfMessage(value, this.id) });
    else if (id === this.pingId) this.waitFor(PING_GRACE_MS);
  }

  pipeEnded(fault: TransportFault, reason: string): void {
    this.finish({ kind: 'end', fault, reason });
  }

  expire(): void {
    if (this.pingId !== undefined) return this.finish({ kind: 'silence' });
    this.pingId = this.pipe.nextId();
    this.waitFor(this.timeouts.startMs);
    void this.pipe.sendOneWay(JSON.stringify({ jsonrpc: '2.0', id: this.pingId, method: 'ping' }));
  }

  private waitFor(ms: number): void {
    this.deadlines.remove(this, this.waitingMs);
    this.waitingMs = ms;
    this.deadlines.add(this, ms);
  }

  private finish(ending: PipeEnding): void {
    this.deadlines.remove(this, this.waitingMs);
    this.pipe.detach();
    this.resolve(ending);
  }
}
