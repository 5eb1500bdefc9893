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

/** Returns how an interceptor asks about the call with these arguments. */
type AskingAbout = (args: JsonObject) => Asking;

/**
 * The call as one interceptor sees it: with the arguments of the interceptors before it.
 * @param toSignal makes the signal when it is read
 */
export const toInterceptedCall = (
  subject: CallSubject,
  args: JsonObject,
  toSignal: () => AbortSignal,
  askingAbout: AskingAbout,
): InterceptedCall => new CallView(subject, args, toSignal, askingAbout);

/**
 * Makes and freezes a member when it is read: few interceptors read all. What extensions may not see is in private fields: a map
 * beside the calls would cost the garbage collector more than a call.
 */
class CallView implements InterceptedCall {
  readonly requestId: string;
  readonly endpoint: string;
  readonly method: InterceptedMethod;
  readonly #subject: CallSubject;
  readonly #args: JsonObject;
  readonly #toSignal: () => AbortSignal;
  readonly #askingAbout: AskingAbout;
  #client: InterceptedCall['client'] | undefined;
  #item: InterceptedCall['item'] | undefined;
  #signal: AbortSignal | undefined;

  constructor(subject: CallSubject, args: JsonObject, toSignal: () => AbortSignal, askingAbout: AskingAbout) {
    const { executed, requestId } = subject;
    this.requestId = requestId;
    this.endpoint = executed.endpoint;
    this.method = executed.call.request.method as InterceptedMethod;
    this.#subject = subject;
    this.#args = args;
    this.#toSignal = toSignal;
    this.#askingAbout = askingAbout;
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
    return (this.#item ??= this.toItem());
  }

  private toItem(): InterceptedCall['item'] {
    const { item } = this.#subject;
    const server = toGuardedServer(item.server);
    return Object.freeze({ ...item, server, ...(item.args && { args: this.arguments }) });
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

  get ask(): Asking['ask'] {
    return this.#askingAbout(this.#args).ask;
  }

  get askAdmin(): Asking['askAdmin'] {
    return this.#askingAbout(this.#args).askAdmin;
  }

  static progressOf(call: InterceptedCall): CallProgress | undefined {
    return #subject in call ? call.#subject.executed.call.progress : undefined;
  }

  static askingAbout(call: InterceptedCall, args: JsonObject): Asking {
    return #subject in call ? call.#askingAbout(args) : call;
  }

  static answersOf(call: InterceptedCall): ServerAnswers | undefined {
    return #subject in call ? call.#subject.executed.repetition?.serverAnswers : undefined;
  }
}

/** The progress of an intercepted call, for interceptors of the gateway itself. */
export const progressOf = (call: InterceptedCall): CallProgress | undefined => CallView.progressOf(call);

/** The answers for the server that an intercepted call contains, for interceptors of the gateway itself. */
export const serverAnswersOf = (call: InterceptedCall): ServerAnswers | undefined => CallView.answersOf(call);

/** How an interceptor of the gateway itself asks about an intercepted call, which goes on with these arguments instead of its own. */
export const askingAbout = (call: InterceptedCall, args: JsonObject): Asking => CallView.askingAbout(call, args);
