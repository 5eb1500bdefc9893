import type { AddressCheck } from '../frames/address-check.js';
import { toJsonBytes } from '../frames/json.js';
import type { Frame } from '../frames/frame.js';
import { decodeRequest } from '../frames/request-message.js';
import type { Membership } from '../membership/membership.js';
import type { BusObserver } from '../observer.js';
import type { Address, ClaimVerdict, Ledger } from '../ports/index.js';
import { MAX_FRAME_BYTES, type BusLimits } from '../protocol.js';
import type { AcceptanceQueue } from './acceptance-queue.js';
import { PartialRequests } from './partial-requests.js';
import { RunningRequest, type ReceivedRequest, type RunningParts } from './running-request.js';
import type { SeenRequests } from './seen-requests.js';

export interface ResponderParts extends RunningParts {
  readonly workerId: string;
  readonly ledger: Ledger;
  readonly observer: BusObserver;
  readonly address: AddressCheck;
  readonly seen: SeenRequests;
  readonly queue: AcceptanceQueue;
  readonly membership: Membership;
  readonly limits: BusLimits;
}

type Refusal = { readonly reason: string; readonly detail?: unknown };

/** `lost`: the reply of the relay was lost. `fenced`: this worker is declared dead, so it claimed nothing. */
type Decision = ClaimVerdict | 'lost' | 'fenced';

/** A larger detail is omitted, so that the refusal fits into one frame. */
const MAX_DETAIL_BYTES = MAX_FRAME_BYTES / 2;

/** Serves the requests of other workers and holds those whose end is not sent yet. Nothing here blocks. */
export class Responder {
  private readonly running = new Map<string, RunningRequest>();
  private readonly partials: PartialRequests;
  private isStopped = false;

  constructor(private readonly parts: ResponderParts) {
    this.partials = new PartialRequests(parts.timer, parts.limits.partialBytes);
  }

  /** Number of requests being served. */
  get size(): number {
    return this.running.size + this.partials.size;
  }

  /** Receives a frame from the inbox. */
  receive(frame: Frame): void {
    if (this.isStopped) return;
    const running = this.running.get(keyOf(frame));
    switch (frame.kind) {
      case 'request':
        return this.receiveRequest(frame);
      case 'cancel':
        return running?.abort('cancelled');
      case 'credit':
        return running?.credit(frame.number);
      default:
        this.parts.observer.dropped('stray', frame.request);
    }
  }

  onWorkerDead(worker: string): void {
    for (const running of this.running.values()) {
      if (running.received.requester === worker) running.abandon('requester-dead');
    }
  }

  /** Resolves once every end that handlers have returned by now is sent, or cannot be sent. */
  async whenSent(): Promise<void> {
    const answered = [...this.running.values()].filter(({ isAnswered }) => isAnswered);
    await Promise.all(answered.map(({ closed: over }) => over));
  }

  /** Aborts every running request, and neither sends nor receives anything more. */
  stop(): void {
    this.isStopped = true;
    this.partials.clear();
    for (const running of this.running.values()) running.abandon('stopped');
  }

  private receiveRequest(frame: Frame): void {
    const { observer, seen } = this.parts;
    const key = keyOf(frame);
    if (frame.number === 0 && (this.running.has(key) || !seen.add(key)))
      return observer.dropped('repeated', frame.request);
    const message = this.partials.add(key, frame);
    if (message === 'lost') observer.dropped('parts', frame.request);
    if (message === 'pending' || message === 'lost') return;
    const decoded = decodeRequest(message);
    if (decoded) this.admit({ requester: frame.from, request: frame.request, ...decoded });
    else observer.dropped('shape', frame.request);
  }

  private admit(received: ReceivedRequest): void {
    const refusal = this.checkAdmission(received);
    if (refusal) return this.refuse(received, refusal);
    const running = this.register(received);
    this.parts.queue.enter(received.head.queue, this.claim(received), (decision) => this.proceed(running, decision));
  }

  /** A failing admission check refuses the request: an uncaught error would end the process. */
  private checkAdmission({ head, payload }: ReceivedRequest): Refusal | undefined {
    try {
      return this.parts.service.admit?.(head.pattern, payload);
    } catch {
      return { reason: 'not-admitted' };
    }
  }

  private register(received: ReceivedRequest): RunningRequest {
    const running = new RunningRequest(this.parts, received);
    const key = keyOf({ from: received.requester, request: received.request });
    this.running.set(key, running);
    const unwatch = this.parts.membership.watch(received.requester);
    void running.closed.then(() => {
      unwatch();
      this.running.delete(key);
    });
    return running;
  }

  private async claim({ requester, request, head }: ReceivedRequest): Promise<Decision> {
    const { generation, notAfter } = head;
    // After a suspension this worker may have been declared dead, and clients may have been answered accordingly.
    const isAlive = this.parts.membership.checkOwnLiveness();
    if (!(isAlive instanceof Promise ? await isAlive : isAlive)) return 'fenced';
    try {
      const accept = this.parts.outbox.seal(toRepliesAddress(requester), { kind: 'accept', request });
      return await this.parts.ledger.claim({ requester, request, generation, notAfter }, accept);
    } catch {
      return 'lost';
    }
  }

  private proceed(running: RunningRequest, decision: Decision): void {
    if (decision === 'claimed' && !this.isStopped) {
      const { request, head, requester } = running.received;
      this.parts.observer.started(request, head.pattern, requester);
      void running.run();
      return;
    }
    this.parts.observer.dropped('verdict', running.received.request);
    // The claim may have been won. Then no other worker can claim the request and this one never runs it: report that.
    if (decision === 'lost') running.replyUnclaimed();
    else running.drop();
  }

  private refuse({ requester, request }: ReceivedRequest, refusal: Refusal): void {
    const payload = encodeRefusal(refusal);
    // If the refusal is lost, the requester revokes the request.
    this.parts.outbox.send(toRepliesAddress(requester), { kind: 'refuse', request, payload }).catch(() => {});
  }
}

/** Omits a detail that is too large or that JSON cannot represent. */
function encodeRefusal(refusal: Refusal): Buffer {
  const bare = toJsonBytes({ reason: refusal.reason });
  try {
    const whole = toJsonBytes(refusal);
    return whole.length <= MAX_DETAIL_BYTES ? whole : bare;
  } catch {
    return bare;
  }
}

function toRepliesAddress(worker: string): Address {
  return { worker, box: 'replies' };
}

/** Each requester chooses its own request ids, so the key contains both. */
function keyOf({ from, request }: Pick<Frame, 'from' | 'request'>): string {
  return `${from}/${request}`;
}
