import { toGuardedServer, type InterceptedCall, type InterceptedMethod } from '#lib/extension-kit';
import { eraOfRevision, type JsonObject } from '#lib/mcp-protocol';
import type { ExecutedCall, ServerAnswers } from '../calls/index.js';
import type { CallProgress } from '../telemetry/index.js';
import type { ServerItemUse } from '../gate/index.js';
import { freezeDeeply } from './json-copy.js';

/** What all interceptors of one request see alike. */
export interface CallSubject {
  readonly executed: ExecutedCall;
  readonly requestId: string;
  /** The item before any change. */
  readonly item: ServerItemUse;
  readonly definition: JsonObject | undefined;
}

/** How an interceptor asks about the call. */
export type Asking = Pick<InterceptedCall, 'ask' | 'askAdmin'>;

/**
 * The call as one interceptor sees it: with the arguments of the interceptors before it.
 * @param toSignal makes the signal when it is read
 */
export const toInterceptedCall = (
  subject: CallSubject,
  args: JsonObject,
  toSignal: () => AbortSignal,
  asking: Asking,
): InterceptedCall => new CallView(subject, args, toSignal, asking);

/**
 * Makes and freezes a member when it is read: few interceptors read all. What extensions may not see is in private fields: a map
 * beside the calls would cost the garbage collector more than a call.
 */
class CallView implements InterceptedCall {
  readonly requestId: string;
  readonly endpoint: string;
  readonly method: InterceptedMethod;
  readonly ask: Asking['ask'];
  readonly askAdmin: Asking['askAdmin'];
  readonly #subject: CallSubject;
  readonly #args: JsonObject;
  readonly #toSignal: () => AbortSignal;
  #client: InterceptedCall['client'] | undefined;
  #item: InterceptedCall['item'] | undefined;
  #signal: AbortSignal | undefined;

  constructor(subject: CallSubject, args: JsonObject, toSignal: () => AbortSignal, { ask, askAdmin }: Asking) {
    const { executed, requestId } = subject;
    this.requestId = requestId;
    this.endpoint = executed.endpoint;
    this.method = executed.call.request.method as InterceptedMethod;
    this.ask = ask;
    this.askAdmin = askAdmin;
    this.#subject = subject;
    this.#args = args;
    this.#toSignal = toSignal;
    Object.freeze(this);
  }

  get caller(): InterceptedCall['caller'] {
    return freezeDeeply(this.#subject.executed.call.caller);
  }

  get client(): InterceptedCall['client'] {
    const { client } = this.#subject.executed.call;
    return (this.#client ??= freezeDeeply({ ...client, era: eraOfRevision(client.revision) ?? 'legacy' }));
  }

  get item(): InterceptedCall['item'] {
    const { item } = this.#subject;
    const server = toGuardedServer(item.server);
    return (this.#item ??= Object.freeze({ ...item, server, ...(item.args && { args: this.arguments }) }));
  }

  get arguments(): JsonObject {
    return freezeDeeply(this.#args);
  }

  get definition(): JsonObject | undefined {
    return freezeDeeply(this.#subject.definition);
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#toSignal());
  }

  static progressOf(call: InterceptedCall): CallProgress | undefined {
    return #subject in call ? call.#subject.executed.call.progress : undefined;
  }

  static answersOf(call: InterceptedCall): ServerAnswers | undefined {
    return #subject in call ? call.#subject.executed.repetition?.serverAnswers : undefined;
  }
}

/** The progress of an intercepted call, for interceptors of the gateway itself. */
export const progressOf = (call: InterceptedCall): CallProgress | undefined => CallView.progressOf(call);

/** The answers for the server that an intercepted call contains, for interceptors of the gateway itself. */
export const serverAnswersOf = (call: InterceptedCall): ServerAnswers | undefined => CallView.answersOf(call);
