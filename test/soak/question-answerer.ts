import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '#lib/mcp-protocol';
import { answerAll, RepeatingClient, type InputRequired, type Repetition } from '../support/repeating-client.js';
import { read, type WorkerAddress, type ReadAnswer } from '../support/roaming-client.js';

const ADA = { action: 'accept', content: { name: 'Ada' } };
/** Maximum number of repetitions of a call while the gateway answers that it is retriable. */
const MAX_ROUNDS = 40;
const ROUND_INTERVAL_MS = 250;

/** Makes a call that receives a question and repeats it with the answer, at any worker, until the call ends. */
export class QuestionAnswerer {
  constructor(
    private readonly client: RepeatingClient,
    private readonly mark: string,
    private readonly pickWorker: () => WorkerAddress,
    private readonly answerMs: number,
  ) {}

  async run(first: WorkerAddress): Promise<ReadAnswer> {
    const asked = await this.post(first);
    const questions = inputIn(asked);
    return questions ? this.repeat(answerAll(questions, ADA)) : this.withMark(asked);
  }

  private async repeat(repetition: Repetition): Promise<ReadAnswer> {
    for (let turn = 1; turn < MAX_ROUNDS; turn += 1) {
      // A broken connection does not tell the outcome, so the client repeats the call.
      const received = await this.post(this.pickWorker(), repetition).catch(() => undefined);
      if (received && !isRetriable(received)) return this.withMark(received, 'unknown');
      await pause(ROUND_INTERVAL_MS);
    }
    throw new Error(`The call was repeated ${MAX_ROUNDS} times with its answers and did not end.`);
  }

  private async post(slot: WorkerAddress, repetition?: Repetition): Promise<ReadAnswer> {
    const what = { mark: this.mark, tool: 'ask_name' };
    return read(await this.client.post(slot, what, repetition, AbortSignal.timeout(this.answerMs)));
  }

  /**
   * Replaces the id of the round by the mark of the call. `not_executed` in a later round refers to the repetition
   * only: the call itself has started before.
   */
  private withMark({ status, messages }: ReadAnswer, outcome?: 'unknown'): ReadAnswer {
    const named = messages.map((message) => {
      if (!('result' in message || 'error' in message)) return message;
      const { error } = message as { error?: JsonObject };
      const received =
        error && outcome ? { error: { ...error, data: { ...(error['data'] as JsonObject), outcome } } } : {};
      return { ...message, id: this.mark, ...received };
    });
    return { status, messages: named };
  }
}

function inputIn({ messages }: ReadAnswer): InputRequired | undefined {
  const result = messages.at(-1)?.['result'] as JsonObject | undefined;
  return result?.['resultType'] === 'input_required' ? (result as unknown as InputRequired) : undefined;
}

/** Whether the repetition was rejected before it reached the call, so that it can be repeated. */
function isRetriable({ messages }: ReadAnswer): boolean {
  const error = messages.at(-1)?.['error'] as { code?: number; data?: { retriable?: boolean } } | undefined;
  return error?.data?.retriable === true && [-31_001, -31_006, -31_007].includes(error.code ?? 0);
}
