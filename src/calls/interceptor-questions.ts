import { toLegacyAnswer, type JsonObject } from '#lib/mcp-protocol';
import { MalformedAnswer, RequestStateUsed } from './calls.errors.js';
import type { ServerAnswers } from './call-interception.js';
import type { InterceptorState, RequestState, ServerState } from './request-states.js';
import type { SpentStates } from './spent-states.js';
import type { UpstreamCall } from './upstream-call.js';

const METHOD = 'elicitation/create';
/** How much longer than here a state may last at another worker whose clock is behind, in milliseconds. */
const CLOCK_SKEW_MS = 10 * 60_000;

/**
 * The questions of interceptors in one request of a client that answers by repeating its call. The answers of earlier requests
 * travel in the state; the state of the server, and the answers for it, travel with them.
 */
export class InterceptorQuestions {
  /** What the server, or the call that is parked there, waits for. */
  readonly inner: ServerState | undefined;
  private answers: JsonObject;
  private serverResponses: JsonObject;
  private hasReplaced = false;
  private spending: Promise<void> | undefined;
  /** True once this request, and no other, has used up the state. */
  hasSpent = false;

  /** @param responses the answers that the request contains */
  constructor(
    private readonly state: RequestState | undefined,
    responses: JsonObject,
    private readonly spent: SpentStates,
    private readonly leftMs: number,
  ) {
    const asked = state?.kind === 'interceptors' ? state : undefined;
    this.inner = state?.kind === 'interceptors' ? state.inner : state;
    const isOwn = (key: string): boolean => asked?.pending.includes(key) ?? false;
    const entries = Object.entries(responses);
    this.answers = { ...asked?.answers, ...Object.fromEntries(entries.filter(([key]) => isOwn(key))) };
    this.serverResponses = { ...asked?.held, ...Object.fromEntries(entries.filter(([key]) => !isOwn(key))) };
  }

  /**
   * Returns the client's answer to a question, or undefined before it has answered. The first use of an answer uses up the state.
   * @throws MalformedAnswer, RequestStateUsed, CoordinationUnavailable
   */
  async answerTo(key: string): Promise<JsonObject | undefined> {
    if (!Object.hasOwn(this.answers, key)) return undefined;
    const answer = this.readAnswer(key);
    await (this.spending ??= this.spend());
    return answer;
  }

  /** Returns the id of what an earlier request waited for under this key. */
  awaitedAs(key: string): string | undefined {
    const { awaited = {} } = this.state?.kind === 'interceptors' ? this.state : {};
    return Object.hasOwn(awaited, key) ? awaited[key] : undefined;
  }

  /** The answers for the server that the handler of its questions does not see. */
  get serverAnswers(): ServerAnswers {
    return {
      given: this.inner?.kind === 'parked' ? {} : this.serverResponses,
      replace: (answers) => {
        this.serverResponses = answers;
        this.hasReplaced = true;
      },
    };
  }

  /** Keeps a decision that did not come from the client, for later repetitions. */
  keepAnswer(key: string, answer: JsonObject): void {
    this.answers = { ...this.answers, [key]: answer };
  }

  /** The call as its server may see it: without the answers to interceptors. */
  toServer(call: UpstreamCall): UpstreamCall {
    const isOwnState = this.state?.kind === 'interceptors';
    if (!isOwnState && !this.hasReplaced) return call;
    const { inputResponses: _responses, requestState, ...params } = call.request.params;
    const changed: JsonObject = {
      ...params,
      ...(!isOwnState && requestState !== undefined && { requestState }),
      ...(Object.keys(this.serverResponses).length > 0 && { inputResponses: this.serverResponses }),
    };
    return { ...call, request: { ...call.request, params: changed } };
  }

  /** The state for the next repetition, when the server has questions. */
  wrap(inner: ServerState | undefined): RequestState | undefined {
    if (Object.keys(this.answers).length === 0) return inner;
    return this.toState([], inner, {});
  }

  /** The state for the next repetition, when interceptors have these questions, or wait for what has these ids. */
  toAskedState(pending: readonly string[], awaited: Readonly<Record<string, string>>): InterceptorState {
    const state = this.toState(pending, this.inner, this.serverResponses);
    return Object.keys(awaited).length === 0 ? state : { ...state, awaited };
  }

  private toState(pending: readonly string[], inner: ServerState | undefined, held: JsonObject): InterceptorState {
    return {
      kind: 'interceptors',
      nonce: this.spent.mint(),
      pending,
      answers: this.answers,
      held,
      ...(inner && { inner }),
    };
  }

  /** @throws MalformedAnswer */
  private readAnswer(key: string): JsonObject {
    const answer = toLegacyAnswer(METHOD, this.answers[key]);
    if (!answer) throw new MalformedAnswer(key, METHOD);
    return answer;
  }

  private async spend(): Promise<void> {
    if (this.state?.kind !== 'interceptors') return;
    // The client may repeat a malformed answer only while the state is unused.
    for (const key of Object.keys(this.answers)) this.readAnswer(key);
    if (!(await this.spent.spend(this.state.nonce, this.leftMs + CLOCK_SKEW_MS))) throw new RequestStateUsed();
    this.hasSpent = true;
  }

  /** Lets the client repeat a request that was not executed: its answers would be lost. */
  async restoreState(): Promise<void> {
    if (this.state?.kind !== 'interceptors' || !this.hasSpent) return;
    this.hasSpent = false;
    await this.spent.restore(this.state.nonce);
  }
}
