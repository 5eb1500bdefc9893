import { SystemTimer, type BusEnd } from '#lib/worker-bus';
import { AcceptanceQueue, EndGate, FrameOrder, FrameSeal, SeenRequests, type Address } from '#lib/worker-bus/testing';
import { isJsonObject, parseJson, type HttpAnswer, type Outcome } from '#lib/mcp-protocol';
import type { INVARIANTS } from './invariants.js';
import type { Family } from './scenarios.js';
import type { Flaws } from './world/flaws.js';

/** A world that lacks one protection. */
interface Mutation {
  readonly what: string;
  /** Made anew for each run. */
  readonly flaws: () => Flaws;
  /** Where its absence is felt. */
  readonly family: Family;
  /** What somebody notices. */
  readonly breaks: keyof typeof INVARIANTS;
}

const NO_SECRET = Buffer.alloc(32);
const SEAL_BYTES = 16;

/** Everything is taken for genuine. */
class NoSeal extends FrameSeal {
  override open(_at: Address, frame: Buffer): Buffer | undefined {
    return frame.length < SEAL_BYTES ? undefined : frame.subarray(SEAL_BYTES);
  }
}

class NoMemory extends SeenRequests {
  override add(): boolean {
    return true;
  }
}

class NoOrder extends FrameOrder {
  override look(): 'expected' {
    return 'expected';
  }
}

class NoQueue extends AcceptanceQueue {
  override enter<T>(_queue: string | undefined, decided: Promise<T>, proceed: (decision: T) => void): void {
    void decided.then(proceed);
  }
}

/** What is no value becomes an empty success: the mistake that `docs/errors.md` begins with. */
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
    what: 'the memory of requests that were seen',
    flaws: () => ({ bus: { seen: new NoMemory(new SystemTimer()) } }),
    family: { faults: ['repetition'], crowds: true },
    breaks: 'not_executed is never a lie',
  },
  {
    what: 'the claim',
    flaws: () => ({ relay: { grantsAllClaims: true } }),
    family: { faults: ['freeze', 'delay'] },
    breaks: 'not_executed is never a lie',
  },
  {
    what: 'the end of the time in which a request can be claimed',
    flaws: () => ({ relay: { ignoresLateness: true } }),
    family: { faults: ['lateness'], mostFaults: 1 },
    breaks: 'not_executed is never a lie',
  },
  {
    what: 'the word of the relay that a request is taken back',
    flaws: () => ({ relay: { grantsAllRevocations: true } }),
    family: { faults: ['loss', 'delay', 'freeze'] },
    breaks: 'not_executed is never a lie',
  },
  {
    what: 'the look at the relay’s generation',
    flaws: () => ({ relay: { ignoresGenerations: true } }),
    family: { faults: ['loss', 'delay', 'flush'] },
    breaks: 'not_executed is never a lie',
  },
  {
    what: 'the MAC',
    flaws: () => ({ bus: { seal: new NoSeal(NO_SECRET) } }),
    family: { faults: ['forgery'] },
    breaks: 'executed at most once',
  },
  {
    what: 'the gate between an answer’s status and a success',
    flaws: () => ({ readAnswer: readCarelessly }),
    family: { faults: [] },
    breaks: 'success only if executed, with the server’s own result',
  },
  {
    what: 'the gate between the end of a request and a value',
    flaws: () => ({ bus: { gate: new NoGate() } }),
    family: { faults: ['command'] },
    breaks: 'success only if executed, with the server’s own result',
  },
  {
    what: 'the numbers of frames',
    flaws: () => ({ bus: { makeOrder: () => new NoOrder() } }),
    family: { faults: ['loss', 'repetition'] },
    breaks: 'streams are contiguous',
  },
  {
    what: 'a new name at each start',
    flaws: () => ({ keepsNames: true }),
    family: { faults: ['twin'] },
    breaks: 'not_executed is never a lie',
  },
  {
    what: 'doubt about an heir that gave no answer',
    flaws: () => ({ forgetsDoubt: true }),
    family: { faults: ['leave', 'command', 'loss', 'reset'] },
    breaks: 'one gate per session',
  },
  {
    what: 'a queue for each session',
    flaws: () => ({ bus: { queue: new NoQueue() } }),
    family: { faults: [], crowds: true },
    breaks: 'calls of a session begin in the order of their arrival',
  },
];
