import type { DecipherGCM } from 'node:crypto';
import { SystemClock } from '#lib/time';
import type { BusEnd } from '#lib/worker-bus';
import { AcceptanceQueue, EndGate, FrameCipher, FrameOrder, SeenRequests } from '#lib/worker-bus/testing';
import { isJsonObject, parseJson, type HttpAnswer, type Outcome } from '#lib/mcp-protocol';
import type { INVARIANTS } from './invariants.js';
import type { Family } from './scenarios.js';
import type { Flaws } from './world/flaws.js';

/** A world without one protection. */
interface Mutation {
  readonly what: string;
  /** Creates the flaws for one run. */
  readonly flaws: () => Flaws;
  /** The scenarios that need the protection. */
  readonly family: Family;
  /** The invariant that is violated without it. */
  readonly breaks: keyof typeof INVARIANTS;
}

const NO_SECRET = Buffer.alloc(32);

/** Accepts every frame as authentic: a bit that was changed in the encrypted frame is changed in its content. */
class NoSeal extends FrameCipher {
  protected override decrypt(decipher: DecipherGCM, encrypted: Buffer): Buffer {
    return decipher.update(encrypted);
  }
}

class NoMemory extends SeenRequests {
  override add(): boolean {
    return true;
  }
}

class NoOrder extends FrameOrder {
  override check(): 'expected' {
    return 'expected';
  }
}

class NoQueue extends AcceptanceQueue {
  override enter<T>(_queue: string | undefined, decided: Promise<T>, proceed: (decision: T) => void): void {
    void decided.then(proceed);
  }
}

/** Turns every end without a value into an empty success, the mistake that `docs/errors.md` begins with. */
class NoGate extends EndGate {
  override decode(bytes: Buffer): BusEnd {
    const end = super.decode(bytes);
    return end.kind === 'value' ? end : { kind: 'value', value: { kind: 'result', result: {} } };
  }
}

function readCarelessly({ body }: HttpAnswer): Outcome {
  const value = parseJson(body);
  const result = isJsonObject(value) ? value['result'] : undefined;
  return { kind: 'result', result: isJsonObject(result) ? result : {} };
}

export const MUTATIONS: readonly Mutation[] = [
  {
    what: 'the record of seen requests',
    flaws: () => ({ bus: { seen: new NoMemory(new SystemClock()) } }),
    family: { faults: ['repetition'], isConcurrent: true },
    breaks: 'a not_executed request never runs',
  },
  {
    what: 'the claim of a request',
    flaws: () => ({ relay: { grantsAllClaims: true } }),
    family: { faults: ['freeze', 'delay'] },
    breaks: 'a not_executed request never runs',
  },
  {
    what: 'the deadline of claims',
    flaws: () => ({ relay: { ignoresLateness: true } }),
    family: { faults: ['lateness'], maxFaults: 1 },
    breaks: 'a not_executed request never runs',
  },
  {
    what: 'the confirmation of a revocation by the relay',
    flaws: () => ({ relay: { grantsAllRevocations: true } }),
    family: { faults: ['loss', 'delay', 'freeze'] },
    breaks: 'a not_executed request never runs',
  },
  {
    what: 'the check of the relay’s generation',
    flaws: () => ({ relay: { ignoresGenerations: true } }),
    family: { faults: ['loss', 'delay', 'flush'] },
    breaks: 'a not_executed request never runs',
  },
  {
    what: 'the authentication of frames',
    flaws: () => ({ bus: { cipher: new NoSeal(NO_SECRET) } }),
    family: { faults: ['forgery'] },
    breaks: 'executed at most once',
  },
  {
    what: 'the validation of HTTP answers',
    flaws: () => ({ readAnswer: readCarelessly }),
    family: { faults: [] },
    breaks: 'success only if executed, with the server’s own result',
  },
  {
    what: 'the validation of a request’s end',
    flaws: () => ({ bus: { gate: new NoGate() } }),
    family: { faults: ['command'] },
    breaks: 'success only if executed, with the server’s own result',
  },
  {
    what: 'the sequence numbers of frames',
    flaws: () => ({ bus: { makeOrder: () => new NoOrder() } }),
    family: { faults: ['loss', 'repetition'] },
    breaks: 'streams are contiguous',
  },
  {
    what: 'a new worker id at each start',
    flaws: () => ({ reusesWorkerIds: true }),
    family: { faults: ['twin'] },
    breaks: 'a not_executed request never runs',
  },
  {
    what: 'the unknown outcome of an unanswered handoff',
    flaws: () => ({ ignoresUnknownHandoffs: true }),
    family: { faults: ['leave', 'command', 'loss', 'reset'] },
    breaks: 'one process serves a session',
  },
  {
    what: 'a queue for each session',
    flaws: () => ({ bus: { queue: new NoQueue() } }),
    family: { faults: [], isConcurrent: true },
    breaks: 'calls of a session start in the order of their arrival',
  },
];
