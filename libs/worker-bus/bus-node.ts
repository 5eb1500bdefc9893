import { randomBytes } from 'node:crypto';
import { SystemClock } from '#lib/time';
import { WorkerBus, type BusExchange, type BusOrder } from './bus.js';
import type { BusParts } from './bus-parts.js';
import { AddressCheck } from './frames/address-check.js';
import { EndGate } from './frames/end-gate.js';
import { decodeFrame, type Frame } from './frames/frame.js';
import { FrameOrder } from './frames/frame-order.js';
import { FrameSeal } from './frames/frame-seal.js';
import { Outbox } from './frames/outbox.js';
import { Membership } from './membership/membership.js';
import { BusObserver } from './observer.js';
import { pause } from './persist.js';
import type { Address } from './ports/index.js';
import { DEFAULT_LIMITS, LAST_WORDS_MS } from './protocol.js';
import { Requester } from './requester/requester.js';
import { AcceptanceQueue } from './responder/acceptance-queue.js';
import { Responder } from './responder/responder.js';
import { SeenRequests } from './responder/seen-requests.js';

const ID_BYTES = 16;
const IDS_AT_ONCE = 256;

/** The bus of one worker: what it asks, what it serves, and what it knows of the others. */
export class BusNode extends WorkerBus {
  readonly membership: Membership;

  private readonly parts: Required<BusParts>;
  private readonly requester: Requester;
  private readonly responder: Responder;
  private stopListening = (): void => {};

  /** @throws TypeError for a secret that is not 32 bytes long */
  constructor(given: BusParts) {
    super();
    this.parts = withDefaults(given);
    const { limits, ...parts } = this.parts;
    const outbox = new Outbox(parts.me, parts.wire, parts.seal);
    const bounds = { ...DEFAULT_LIMITS, ...limits };
    this.membership = new Membership(
      { ...parts, outbox },
      { request: (frame) => this.hearInbox(frame), reply: (frame) => this.hearReply(frame) },
    );
    const shared = { ...parts, outbox, membership: this.membership };
    this.requester = new Requester(shared);
    this.responder = new Responder({ ...shared, limits: bounds, waitingBytes: bounds.waitingBytes });
    this.membership.onGone((worker) => this.lose(worker));
  }

  /**
   * Begins to listen, and says that this worker lives. Resolves after the first attempt: where the relay fails, the
   * bus is unavailable, and comes up by itself.
   */
  async start(): Promise<void> {
    this.stopListening = this.parts.wire.onBroken(() => {
      this.membership.lose();
      this.requester.loseRelay();
    });
    await this.membership.start();
  }

  /** Ends and aborts all that is under way. The others take the worker for dead in time; see `Membership.leave`. */
  stop(): void {
    this.stopListening();
    this.membership.stop();
    this.requester.stop();
    this.responder.stop();
  }

  /**
   * Stops, and says so to the others if they can be reached: what this worker had is gone at once, for good. What its
   * handlers have answered is sent before, however long it is; only who takes it too slowly is not waited for.
   */
  async leave(): Promise<void> {
    await Promise.race([this.responder.whenSent(), pause(this.parts.timer, LAST_WORDS_MS)]);
    await this.membership.leave().catch(() => undefined);
    this.stop();
  }

  override request(order: BusOrder, onEvent?: (event: unknown) => void | Promise<void>): BusExchange {
    return this.requester.request(order, onEvent);
  }

  /** What is under way: requests of this worker, and requests of others that it serves. */
  get load(): { readonly asked: number; readonly served: number } {
    return { asked: this.requester.size, served: this.responder.size };
  }

  private hearInbox(bytes: Buffer): void {
    const frame = this.open('inbox', bytes);
    if (frame?.kind === 'canary') this.membership.hear(frame.request);
    else if (frame) this.responder.hear(frame);
  }

  private hearReply(bytes: Buffer): void {
    const frame = this.open('replies', bytes);
    if (frame) this.requester.hear(frame);
  }

  private open(box: Address['box'], bytes: Buffer): Frame | undefined {
    const { me, seal, address, observer } = this.parts;
    const content = seal.open({ worker: me, box }, bytes);
    const frame = content && decodeFrame(content);
    if (frame && address.isFor(me, frame)) return frame;
    if (!content) observer.dropped('seal');
    else if (!frame) observer.dropped('shape');
    else observer.dropped('address', frame.request);
    return undefined;
  }

  private lose(worker: string): void {
    this.requester.loseWorker(worker);
    this.responder.loseWorker(worker);
  }
}

function withDefaults(given: BusParts): Required<BusParts> {
  const timer = given.timer ?? new SystemClock();
  return {
    ...given,
    timer,
    drawId: given.drawId ?? idsDrawn(),
    observer: given.observer ?? new BusObserver(),
    limits: given.limits ?? {},
    seal: given.seal ?? new FrameSeal(given.secret),
    address: given.address ?? new AddressCheck(),
    gate: given.gate ?? new EndGate(),
    seen: given.seen ?? new SeenRequests(timer),
    queue: given.queue ?? new AcceptanceQueue(),
    makeOrder: given.makeOrder ?? (() => new FrameOrder()),
  };
}

/** Draws the randomness of many ids at once: asking for it costs more than it is. */
function idsDrawn(): () => string {
  let drawn = Buffer.alloc(0);
  return () => {
    if (drawn.length < ID_BYTES) drawn = randomBytes(ID_BYTES * IDS_AT_ONCE);
    const id = drawn.toString('base64url', 0, ID_BYTES);
    drawn = drawn.subarray(ID_BYTES);
    return id;
  };
}
