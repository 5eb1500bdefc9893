import { toFaultOutcome, toHttpOutcome, type HttpAnswer, type Outcome, type TransportFault } from '#lib/mcp-protocol';
import type { Behaviour } from '../scenario.js';
import type { SeededRandom } from './seeded-random.js';
import type { RunLog } from './run-log.js';
import type { Host } from './host.js';
import type { VirtualTime } from './virtual-time.js';

/** A call as it is sent between workers. */
export interface Call {
  readonly name: string;
  readonly session: string;
  readonly behaviour: Behaviour;
  readonly workMs: number;
  readonly steps: number;
}

/** Reads an HTTP answer. A mutation replaces it with one that lacks validation. */
export type AnswerReader = (answer: HttpAnswer, id: string) => Outcome;

const MAX_LATENCY_MS = 20;

/** The upstream servers: they execute every call that reaches them and answer by its behaviour. */
export class Upstream {
  constructor(
    private readonly virtualTime: VirtualTime,
    private readonly random: SeededRandom,
    private readonly runLog: RunLog,
    private readonly read: AnswerReader = toHttpOutcome,
  ) {}

  /** Sends a call from this worker. An abort ends the wait, not the execution at the server. */
  call(call: Call, host: Host, signal: AbortSignal, onStep: (step: number) => void): Promise<Outcome> {
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(toFaultOutcome('aborted')), { once: true });
      const answer = () => host.enter(() => resolve(this.outcomeOf(call)));
      this.virtualTime.after(
        this.latency(),
        () => this.run(call, answer, (step) => host.enter(() => onStep(step))),
        false,
      );
    });
  }

  private run(call: Call, answer: () => void, onProgress: (step: number) => void): void {
    if (call.behaviour !== '401') this.runLog.executed(call.name, this.virtualTime.now);
    const pauseMs = call.workMs / (call.steps + 1);
    for (let step = 1; step <= call.steps; step += 1) {
      this.virtualTime.after(step * pauseMs, () => onProgress(step));
    }
    this.virtualTime.after(call.workMs + this.latency(), answer);
  }

  private outcomeOf(call: Call): Outcome {
    const answer = answerTo(call);
    return typeof answer === 'string' ? toFaultOutcome(answer) : this.read(answer, call.name);
  }

  private latency(): number {
    return this.random.between(1, MAX_LATENCY_MS);
  }
}

/** The token of a successful answer, which only the server can produce. */
export const tokenOf = (name: string) => `done: ${name}`;

function answerTo({ name, behaviour }: Call): HttpAnswer | TransportFault {
  const message = (members: object) => JSON.stringify({ jsonrpc: '2.0', id: name, ...members });
  switch (behaviour) {
    case 'ok':
    case 'defect':
      return { status: 200, body: message({ result: { token: tokenOf(name) } }) };
    case 'tool-error':
      return { status: 200, body: message({ error: { code: -32000, message: 'No.' } }) };
    case 'foreign-id':
      return { status: 200, body: JSON.stringify({ jsonrpc: '2.0', id: 'another', result: { token: 'not ours' } }) };
    case 'null':
      return { status: 200, body: 'null' };
    case '401':
      return { status: 401, body: JSON.stringify({ detail: 'No token.' }) };
    case '500':
      return { status: 500, body: JSON.stringify({ message: 'Sorry.' }) };
    case 'cut':
    case 'lost':
      return behaviour;
  }
}
