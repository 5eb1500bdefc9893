import {
  encodeModernRequest,
  isJsonObject,
  LATEST_MODERN_REVISION,
  toMessageOutcome,
  type JsonObject,
  type JsonValue,
  type TransportFault,
} from '#lib/mcp-protocol';
import type { Deadlines, Expiring } from '../../channels/deadlines.js';
import type { MessagePipe, PipeReceiver } from '../../channels/message-pipe.js';
import { GATEWAY_CLIENT } from '../../gateway-identity.js';
import type { PipeEnding } from '../pipe-request.js';
import { discoverText } from './discovery.js';

/** Timeouts of a probe, in milliseconds. */
export interface ProbeTimeouts {
  /** How long discovery may stay unanswered before the probe sends the handshake as well. */
  readonly discoverMs: number;
  /** How long both may stay unanswered after that: the process may still be starting. */
  readonly startMs: number;
}

type ProbeEnding =
  | PipeEnding
  /** The server answered the handshake and ignored discovery. */
  | { readonly kind: 'handshake' };

/**
 * How long discovery may stay unanswered after the server accepted the handshake, in milliseconds: servers do not answer
 * in the order of the requests.
 */
const DISCOVER_GRACE_MS = 500;

/**
 * Finds out the era of a process that was just started. A process that is still starting is as silent as a legacy server
 * that ignores unknown methods. So after a while the probe sends the handshake beside discovery, and waits for an answer
 * to either: every legacy server answers the handshake, and a slow server of any era answers what it reads first.
 *
 * The handshake carries the modern envelope, which legacy servers ignore. Without it, a dual-era server built on the SDK's
 * `serveStdio` would serve the legacy era for the rest of its life, although it answers discovery as a modern server.
 */
export class PipeProbe implements PipeReceiver, Expiring {
  expiresAt = 0;
  readonly ended: Promise<ProbeEnding>;
  private readonly discoverId: number;
  private sentHandshake: number | undefined;
  private handshakeAnswer: JsonObject | undefined;
  private waitingMs: number;
  private resolve: (ending: ProbeEnding) => void = () => undefined;

  /** @param handshake params of `initialize` */
  constructor(
    private readonly pipe: MessagePipe,
    private readonly deadlines: Deadlines,
    private readonly timeouts: ProbeTimeouts,
    private readonly handshake: JsonObject,
  ) {
    this.discoverId = pipe.nextId();
    this.ended = new Promise((resolve) => {
      this.resolve = resolve;
    });
    this.waitingMs = timeouts.discoverMs;
    deadlines.add(this, this.waitingMs);
    pipe.attach(this);
    if (pipe.hasEnded) return;
    pipe.send(discoverText(this.discoverId), this.discoverId, (outcome) => this.finish({ kind: 'outcome', outcome }));
  }

  /** Id of the handshake, once it was sent. Its answer stays in the pipe for the next receiver. */
  get handshakeId(): number | undefined {
    return this.sentHandshake;
  }

  message(value: JsonValue): void {
    if (!isJsonObject(value)) return;
    const { id, method } = value;
    if (method === 'ping' && id !== undefined) {
      void this.pipe.sendOneWay(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
    }
    // Some servers print JSON that is no message while they start; without an id it must not pass for an answer.
    if (method !== undefined || id === undefined) return;
    if (id === this.discoverId) this.finish({ kind: 'outcome', outcome: toMessageOutcome(value, this.discoverId) });
    else if (id === this.sentHandshake) this.handshakeAnswered(value);
  }

  pipeEnded(fault: TransportFault, reason: string): void {
    this.finish({ kind: 'end', fault, reason });
  }

  expire(): void {
    if (this.handshakeAnswer !== undefined) this.finish({ kind: 'handshake' });
    else if (this.sentHandshake !== undefined) this.finish({ kind: 'silence' });
    else this.sendHandshake();
  }

  private sendHandshake(): void {
    const id = this.pipe.nextId();
    this.sentHandshake = id;
    this.waitFor(this.timeouts.startMs);
    const request = { method: 'initialize', params: this.handshake, client: GATEWAY_CLIENT };
    const params = encodeModernRequest(request, GATEWAY_CLIENT, { revision: LATEST_MODERN_REVISION });
    // A pipe that refuses it ends, or stays silent.
    this.pipe.send(JSON.stringify({ jsonrpc: '2.0', id, method: request.method, params }), id, () => undefined);
  }

  private handshakeAnswered(answer: JsonObject): void {
    this.handshakeAnswer = answer;
    // A server that refuses the handshake is hardly a legacy one, so its answer to discovery gets more time.
    this.waitFor(answer['result'] === undefined ? this.timeouts.discoverMs : DISCOVER_GRACE_MS);
  }

  private waitFor(ms: number): void {
    this.deadlines.remove(this, this.waitingMs);
    this.waitingMs = ms;
    this.deadlines.add(this, ms);
  }

  private finish(ending: ProbeEnding): void {
    this.deadlines.remove(this, this.waitingMs);
    this.pipe.detach();
    if (this.handshakeAnswer !== undefined) this.pipe.putBack(this.handshakeAnswer);
    this.resolve(ending);
  }
}
