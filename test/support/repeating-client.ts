import type { JsonObject } from '#lib/mcp-protocol';
import { ModernRawClient, type RawClientOptions } from '#lib/testing/raw-client';
import { EventReader } from './event-reader.js';
import { read, type WorkerAddress } from './roaming-client.js';

/** What a client brings back with the repetition of a call. */
export interface Repetition {
  readonly requestState?: string;
  readonly inputResponses?: JsonObject;
}

/** What a call was ended with that needs input. */
export interface InputRequired {
  readonly inputRequests: Readonly<Record<string, JsonObject>>;
  readonly requestState: string;
}

/** A tool and its arguments; the mark is how the counting server knows the call, whichever round it is in. */
export interface MarkedTool {
  readonly mark: string;
  readonly tool: string;
  readonly args?: JsonObject;
}

const CLIENT_CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} };

/** A stateless client that says with each request which worker it goes to, and answers by repeating its call. */
export class RepeatingClient {
  private readonly client: ModernRawClient;

  private readonly authorization: Readonly<Record<string, string>>;

  /** `path`: that of the endpoint, without `/mcp`. */
  constructor(
    options: RawClientOptions,
    private readonly path = '/servers/ref',
  ) {
    this.client = new ModernRawClient('', { capabilities: CLIENT_CAPABILITIES, ...options });
    this.authorization = { authorization: `Bearer ${options.token}` };
  }

  /** Begins a request; progress is asked for under the id of the request. */
  post(
    { url }: WorkerAddress,
    { mark, tool, args = {} }: MarkedTool,
    repetition: Repetition = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    const params = { name: tool, arguments: { ...args, call: mark }, ...repetition } as JsonObject;
    const { headers, message } = this.client.compose('tools/call', { ...params, _meta: { progressToken: mark } });
    return fetch(`${url}${this.path}/mcp`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...this.authorization, ...headers },
      body: JSON.stringify(message),
      ...(signal && { signal }),
    });
  }

  /** Makes a call, or repeats it, and returns the message that ended it. */
  async call(worker: WorkerAddress, what: MarkedTool, repetition?: Repetition): Promise<JsonObject> {
    const { messages } = await read(await this.post(worker, what, repetition));
    const answer = messages.at(-1);
    if (!answer) throw new Error('The call was answered with nothing.');
    return answer;
  }

  /** Makes a call, or repeats it, and returns what it needs. Throws what came instead. */
  async callForInput(worker: WorkerAddress, what: MarkedTool, repetition?: Repetition): Promise<InputRequired> {
    const answer = await this.call(worker, what, repetition);
    const result = answer['result'] as JsonObject | undefined;
    if (result?.['resultType'] !== 'input_required') throw new Error(`It was not asked: ${JSON.stringify(answer)}`);
    return result as unknown as InputRequired;
  }

  /** Repeats a call whose answer is preceded by something. */
  async openStream(
    worker: WorkerAddress,
    what: MarkedTool,
    repetition: Repetition,
    signal?: AbortSignal,
  ): Promise<EventReader> {
    return new EventReader(await this.post(worker, what, repetition, signal));
  }

  close(): Promise<void> {
    return this.client.close();
  }
}

/** The same answer to every question of a call. */
export function answerAll({ inputRequests, requestState }: InputRequired, answer: JsonObject): Required<Repetition> {
  const keys = Object.keys(inputRequests);
  return { requestState, inputResponses: Object.fromEntries(keys.map((key) => [key, answer])) };
}
