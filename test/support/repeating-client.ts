import type { JsonObject } from '#lib/mcp-protocol';
import { ModernRawClient, type RawClientOptions } from '#lib/testing/raw-client';
import { EventReader } from './event-reader.js';
import { read, type WorkerAddress } from './roaming-client.js';

/** The additional params of a repeated call. */
export interface Repetition {
  readonly requestState?: string;
  readonly inputResponses?: JsonObject;
}

/** The result of a call that requires input. */
export interface InputRequired {
  readonly inputRequests: Readonly<Record<string, JsonObject>>;
  readonly requestState: string;
}

/** A tool and its arguments. The mark identifies the call at the counting server in every round. */
export interface MarkedTool {
  readonly mark: string;
  readonly tool: string;
  readonly args?: JsonObject;
}

const CLIENT_CAPABILITIES = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} };

/** A modern client that sends each request to a chosen worker and answers questions by repeating its call. */
export class RepeatingClient {
  private readonly client: ModernRawClient;

  private readonly authorization: Readonly<Record<string, string>>;

  /** `path`: path of the endpoint without `/mcp`. */
  constructor(
    options: RawClientOptions,
    private readonly path = '/servers/ref',
  ) {
    this.client = new ModernRawClient('', { capabilities: CLIENT_CAPABILITIES, ...options });
    this.authorization = { authorization: `Bearer ${options.token}` };
  }

  /** Sends a call whose progress token is its mark. */
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

  /** Makes or repeats a call and returns its last message. */
  async call(worker: WorkerAddress, what: MarkedTool, repetition?: Repetition): Promise<JsonObject> {
    const { messages } = await read(await this.post(worker, what, repetition));
    const answer = messages.at(-1);
    if (!answer) throw new Error('The call was answered without a message.');
    return answer;
  }

  /** Makes or repeats a call and returns the required input. Throws when it was answered otherwise. */
  async callForInput(worker: WorkerAddress, what: MarkedTool, repetition?: Repetition): Promise<InputRequired> {
    const answer = await this.call(worker, what, repetition);
    const result = answer['result'] as JsonObject | undefined;
    if (result?.['resultType'] !== 'input_required')
      throw new Error(`The call required no input: ${JSON.stringify(answer)}`);
    return result as unknown as InputRequired;
  }

  /** Repeats a call and opens the event stream of its answer. */
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

/** The repetition that gives the same answer to every question. */
export function answerAll({ inputRequests, requestState }: InputRequired, answer: JsonObject): Required<Repetition> {
  const keys = Object.keys(inputRequests);
  return { requestState, inputResponses: Object.fromEntries(keys.map((key) => [key, answer])) };
}
