import type { AddressCheck } from '../frames/address-check.js';
import { toJson } from '../frames/json.js';
import type { Frame } from '../frames/frame.js';
import { decodeRequest } from '../frames/request-message.js';
import type { Membership } from '../membership/membership.js';
import type { BusObserver } from '../observer.js';
import type { Address, ClaimVerdict, Ledger } from '../ports/index.js';
import { MAX_FRAME_BYTES, type BusLimits } from '../protocol.js';
import type { AcceptanceQueue } from './acceptance-queue.js';
import { PartialRequests } from './partial-requests.js';
import { RunningRequest, type Asked, type RunningParts } from './running-request.js';
import type { SeenRequests } from './seen-requests.js';

export interface ResponderParts extends RunningParts {
  readonly me: string;
  readonly ledger: Ledger;
  readonly observer: BusObserver;
  readonly address: AddressCheck;
  readonly seen: SeenRequests;
  readonly queue: AcceptanceQueue;
  readonly membership: Membership;
  readonly limits: BusLimits;
}

type Refusal = { readonly reason: string; readonly detail?: unknown };

/** `lost`: the relay did not say. `buried`: this worker has been declared gone, so nothing was claimed. */
type Decision = ClaimVerdict | 'lost' | 'buried';

/** A detail of a refusal that takes more than this is left out, so that the refusal fits into one frame. */
const MOST_DETAIL_BYTES = MAX_FRAME_BYTES / 2;

/** Serves other workers: all that was asked of this worker and is not answered to the end. Nothing here waits. */
export class Responder {
  private readonly running = new Map<string, RunningRequest>();
  private readonly partials: PartialRequests;
  private isStopped = false;

  constructor(private readonly parts: ResponderParts) {
    this.partials = new PartialRequests(parts.timer, parts.limits.partialBytes);
  }

  /** How many requests are being served. */
  get size(): number {
    return this.running.size + this.partials.size;
  }

  /** Takes a frame that came by the inbox. */
  hear(frame: Frame): void {
    if (this.isStopped) return;
    const running = this.running.get(keyOf(frame));
    switch (frame.kind) {
      case 'request':
        return this.hearRequest(frame);
      case 'cancel':
        return running?.abort('cancelled');
      case 'credit':
        return running?.credit(frame.number);
      default:
        this.parts.observer.dropped('stray', frame.request);
    }
  }

  loseWorker(worker: string): void {
    for (const running of this.running.values()) {
      if (running.asked.requester === worker) running.abandon('requester-gone');
    }
  }

  /** Resolves once all that has been answered by now is sent, or cannot be. */
  async whenSent(): Promise<void> {
    const answered = [...this.running.values()].filter(({ isAnswered }) => isAnswered);
    await Promise.all(answered.map(({ over }) => over));
  }

  /** Aborts what runs, says nothing more, and hears nothing more. */
  stop(): void {
    this.isStopped = true;
    this.partials.clear();
    for (const running of this.running.values()) running.abandon('stopped');
  }

  private hearRequest(frame: Frame): void {
    const { observer, seen } = this.parts;
    const key = keyOf(frame);
    if (frame.number === 0 && (this.running.has(key) || !seen.add(key)))
      return observer.dropped('repeated', frame.request);
    const message = this.partials.add(key, frame);
    if (message === 'lost') observer.dropped('parts', frame.request);
    if (message === 'pending' || message === 'lost') return;
    const decoded = decodeRequest(message);
    if (decoded) this.consider({ requester: frame.from, request: frame.request, ...decoded });
    else observer.dropped('shape', frame.request);
  }

  private consider(asked: Asked): void {
    const refusal = this.refusalOf(asked);
    if (refusal) return this.refuse(asked, refusal);
    const running = this.keep(asked);
    this.parts.queue.enter(asked.head.queue, this.claim(asked), (decision) => this.proceed(running, decision));
  }

  /** One who cannot say whether it is admitted does not admit it: an error here would end the process. */
  private refusalOf({ head, payload }: Asked): Refusal | undefined {
    try {
      return this.parts.service.admit?.(head.pattern, payload);
    } catch {
      return { reason: 'not-admitted' };
    }
  }

  private keep(asked: Asked): RunningRequest {
    const running = new RunningRequest(this.parts, asked);
    const key = keyOf({ from: asked.requester, request: asked.request });
    this.running.set(key, running);
    const unwatch = this.parts.membership.watch(asked.requester);
    void running.over.then(() => {
      unwatch();
      this.running.delete(key);
    });
    return running;
  }

  private async claim({ requester, request, head }: Asked): Promise<Decision> {
    const { generation, notAfter } = head;
    // After a long sleep it may have been declared gone meanwhile: then clients were told so, for good.
    const pulse = this.parts.membership.checkPulse();
    if (!(pulse instanceof Promise ? await pulse : pulse)) return 'buried';
    try {
      const accept = this.parts.outbox.seal(repliesOf(requester), { kind: 'accept', request });
      return await this.parts.ledger.claim({ requester, request, generation, notAfter }, accept);
    } catch {
      return 'lost';
    }
  }

  private proceed(running: RunningRequest, decision: Decision): void {
    if (decision === 'claimed' && !this.isStopped) {
      const { request, head, requester } = running.asked;
      this.parts.observer.started(request, head.pattern, requester);
      void running.run();
      return;
    }
    this.parts.observer.dropped('verdict', running.asked.request);
    // It may have been won. Nobody else can claim it then, and nobody here ever runs it: that is worth saying.
    if (decision === 'lost') running.disown();
    else running.drop();
  }

  private refuse({ requester, request }: Asked, refusal: Refusal): void {
    const payload = encodedRefusal(refusal);
    // One that does not arrive is made up for by the requester, who takes the request back.
    this.parts.outbox.send(repliesOf(requester), { kind: 'refuse', request, payload }).catch(() => {});
  }
}

/** A detail that is too long, or no JSON, is left out. */
function encodedRefusal(refusal: Refusal): Buffer {
  const bare = toJson({ reason: refusal.reason });
  try {
    const whole = toJson(refusal);
    return whole.length <= MOST_DETAIL_BYTES ? whole : bare;
  } catch {
    return bare;
  }
}

function repliesOf(worker: string): Address {
  return { worker, box: 'replies' };
}

/** Names are drawn by requesters, each for itself. */
function keyOf({ from, request }: Pick<Frame, 'from' | 'request'>): string {
  return `${from}/${request}`;
}
