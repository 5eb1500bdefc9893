import { randomBytes } from 'node:crypto';
import { SystemClock } from '#lib/time';
import { WorkerBus, type BusExchange, type BusRequest } from './bus.js';
import type { BusParts } from './bus-parts.js';
import { AddressCheck } from './frames/address-check.js';
import { EndGate } from './frames/end-gate.js';
import { decodeFrame, type Frame } from './frames/frame.js';
import { FrameOrder } from './frames/frame-order.js';
import { FrameCipher } from './frames/frame-cipher.js';
import { Outbox } from './frames/outbox.js';
import { Membership } from './membership/membership.js';
import { BusObserver } from './observer.js';
import { pause } from './retry.js';
import type { Address } from './ports/index.js';
import { DEFAULT_LIMITS, LEAVE_TIMEOUT_MS } from './protocol.js';
import { Requester } from './requester/requester.js';
import { AcceptanceQueue } from './responder/acceptance-queue.js';
import { Responder } from './responder/responder.js';
import { SeenRequests } from './responder/seen-requests.js';

const ID_BYTES = 16;
const IDS_PER_BATCH = 256;

/** The bus of one worker: the requests that it sends, those that it serves, and its view of the other workers. */
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
    const outbox = new Outbox(parts.workerId, parts.wire, parts.cipher);
    const bounds = { ...DEFAULT_LIMITS, ...limits };
    this.membership = new Membership(
      { ...parts, outbox },
      { request: (frame) => this.receiveRequestFrame(frame), reply: (frame) => this.receiveReplyFrame(frame) },
    );
    const shared = { ...parts, outbox, membership: this.membership };
    this.requester = new Requester(shared);
    this.responder = new Responder({ ...shared, limits: bounds, waitingBytes: bounds.waitingBytes });
    this.membership.onWorkerDead((worker) => this.onWorkerDead(worker));
  }

  /**
   * Subscribes to the relay and announces this worker. Resolves after the first attempt: if the relay fails, the bus is
   * unavailable and recovers by itself.
   */
  async start(): Promise<void> {
    this.stopListening = this.parts.wire.onBroken(() => {
      this.membership.onRelayBroken();
      this.requester.onRelayBroken();
    });
    await this.membership.start();
  }

  /** Ends and aborts everything in flight. The worker counts as dead once its announcement expires; see `leave`. */
  stop(): void {
    this.stopListening();
    this.membership.stop();
    this.requester.stop();
    this.responder.stop();
  }

  /**
   * Stops and, if the relay can be reached, declares this worker dead, so that others need not wait for its
   * announcement to expire. Ends that handlers have already returned are sent first, whatever their size, for at most
   * `LEAVE_TIMEOUT_MS`: a requester that consumes too slowly does not delay the shutdown.
   */
  async leave(): Promise<void> {
    await Promise.race([this.responder.whenSent(), pause(this.parts.timer, LEAVE_TIMEOUT_MS)]);
    await this.membership.leave().catch(() => undefined);
    this.stop();
  }

  override request(order: BusRequest, onEvent?: (event: unknown) => void | Promise<void>): BusExchange {
    return this.requester.request(order, onEvent);
  }

  /** Calls the listener with the milliseconds after which another worker accepted a request. There is one listener. */
  onAccepted(listener: (latencyMs: number) => void): void {
    this.requester.onAccepted(listener);
  }

  /** Number of requests in flight: those sent by this worker (`sent`), and those of others that it serves. */
  get load(): { readonly sent: number; readonly served: number } {
    return { sent: this.requester.size, served: this.responder.size };
  }

  private receiveRequestFrame(bytes: Buffer): void {
    const frame = this.open('inbox', bytes);
    if (frame?.kind === 'canary') this.membership.receiveCanary(frame.request);
    else if (frame) this.responder.receive(frame);
  }

  private receiveReplyFrame(bytes: Buffer): void {
    const frame = this.open('replies', bytes);
    if (frame) this.requester.receive(frame);
  }

  private open(box: Address['box'], bytes: Buffer): Frame | undefined {
    const { workerId, cipher, address, observer } = this.parts;
    const content = cipher.open({ worker: workerId, box }, bytes);
    const frame = content && decodeFrame(content);
    if (frame && address.isFor(workerId, frame)) return frame;
    if (!content) observer.dropped('seal');
    else if (!frame) observer.dropped('shape');
    else observer.dropped('address', frame.request);
    return undefined;
  }

  private onWorkerDead(worker: string): void {
    this.requester.onWorkerDead(worker);
    this.responder.onWorkerDead(worker);
  }
}

function withDefaults(given: BusParts): Required<BusParts> {
  const timer = given.timer ?? new SystemClock();
  const createId = given.createId ?? createIdGenerator();
  return {
    ...given,
    timer,
    createId,
    observer: given.observer ?? new BusObserver(),
    limits: given.limits ?? {},
    cipher: given.cipher ?? new FrameCipher(given.secret),
    address: given.address ?? new AddressCheck(),
    gate: given.gate ?? new EndGate(),
    seen: given.seen ?? new SeenRequests(timer),
    queue: given.queue ?? new AcceptanceQueue(),
    makeOrder: given.makeOrder ?? (() => new FrameOrder()),
  };
}

/** Reads the random bytes of many ids at once, because each call of `randomBytes` costs more than the bytes. */
function createIdGenerator(): () => string {
  let pool = Buffer.alloc(0);
  return () => {
    if (pool.length < ID_BYTES) pool = randomBytes(ID_BYTES * IDS_PER_BATCH);
    const id = pool.toString('base64url', 0, ID_BYTES);
    pool = pool.subarray(ID_BYTES);
    return id;
  };
}
