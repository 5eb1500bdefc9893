import type { Caller } from '#lib/extension-kit';
import {
  isJsonObject,
  ownJsonBounds,
  parseJson,
  type JsonObject,
  type McpRequest,
  type Question,
} from '#lib/mcp-protocol';
import { computeJsonDigest, TextCipher } from '#lib/sealing';
import type { Clock } from '#lib/time';
import { toNarrowing } from '../session-pool/index.js';

/** The state of a server, or of the call that is parked there. */
export type ServerState =
  /** A call is parked on this worker and waits for the answers. */
  | {
      readonly kind: 'parked';
      readonly worker: string;
      readonly call: string;
      /** Trace context of the request that began the call. Absent without tracing. */
      readonly trace?: string;
    }
  /** A modern server's own state. */
  | { readonly kind: 'server'; readonly state: string; readonly asked?: AskedQuestions }
  /** No call is parked: once these questions are answered, the gateway sends the call again. */
  | {
      readonly kind: 'resend';
      readonly questions: Readonly<Record<string, Question>>;
      readonly asked?: AskedQuestions;
    };

/** Interceptors have asked the client, or have used its answers. */
export interface InterceptorState {
  readonly kind: 'interceptors';
  /** The state can be used once. */
  readonly nonce: string;
  /** Keys of the questions that the client has not answered yet. */
  readonly pending: readonly string[];
  /** The client's earlier answers, by key. */
  readonly answers: JsonObject;
  /** Answers for the server that came with a request that interceptors ended with questions. */
  readonly held: JsonObject;
  /** Ids of what the request waited for besides the client, by key. Absent: nothing, or a worker of an earlier version. */
  readonly awaited?: Readonly<Record<string, string>>;
  readonly inner?: ServerState;
}

/** The state that a client carries from a request that ended with questions to its repetition with the answers. */
export type RequestState = ServerState | InterceptorState;

/** The part of a state that concerns the server. */
export const serverStateOf = (state: RequestState | undefined): ServerState | undefined =>
  state?.kind === 'interceptors' ? state.inner : state;

/** Questions that ended a request, for their spans. Absent without tracing. */
export interface AskedQuestions {
  /** Trace context of the request. */
  readonly trace: string;
  /** When it was answered with the questions, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** The method of each question, by its key. */
  readonly methods: Readonly<Record<string, string>>;
}

/** A call that is parked on one of the workers. */
export type ParkedState = Extract<RequestState, { kind: 'parked' }>;

/**
 * The principal, the servers that its token is limited to, the endpoint and the request that a state is issued for. For any
 * other the state is invalid.
 */
export interface StateBinding {
  readonly caller: Caller;
  /** Id of the endpoint. */
  readonly endpoint: string;
  /**
   * The client's request, unmapped: together with the endpoint it identifies the server, and it does not change when
   * the item is renamed or removed.
   */
  readonly request: McpRequest;
}

export interface ReadState {
  readonly state: RequestState;
  /** The lifetime of the state is over. */
  readonly isExpired: boolean;
  /** The rest of the lifetime, in milliseconds. */
  readonly leftMs: number;
}

interface SealedState {
  readonly state: RequestState;
  /** Digest of the request that the state was issued for. */
  readonly of: string;
  /** Milliseconds since the Unix epoch. */
  readonly until: number;
}

/**
 * Seals request states. Clients carry them, and could alter them, or use them for another principal or another request
 * (specification of 2026: basic/patterns/mrtr, Server Requirements). Every worker can open what another one sealed.
 */
export class RequestStates {
  private readonly seal: TextCipher;

  constructor(
    secret: Buffer,
    private readonly clock: Clock,
  ) {
    this.seal = new TextCipher(secret, 'affinity request state 2');
  }

  mint(state: RequestState, binding: StateBinding, lifetimeMs: number): string {
    const sealed: SealedState = {
      state,
      of: computeDigest(binding.request.params),
      until: this.clock.now() + lifetimeMs,
    };
    return this.seal.encrypt(JSON.stringify(sealed), toBindingText(binding));
  }

  /** Returns undefined for anything that was not issued for this binding. */
  read(text: unknown, binding: StateBinding): ReadState | undefined {
    const json = this.seal.decrypt(text, toBindingText(binding));
    if (json === undefined) return undefined;
    // Only workers of this installation can seal a state, so its shape needs no validation.
    const { state, of, until } = parseJson(json, STATE_BOUNDS) as unknown as SealedState;
    // Checked last: params may be as large as a body, and a forged state must not cost a digest.
    if (computeDigest(binding.request.params) !== of) return undefined;
    const leftMs = until - this.clock.now();
    return { state, isExpired: leftMs <= 0, leftMs };
  }
}

/** Questions may be as deep as messages, and are nested a few levels deeper in the state. */
const STATE_BOUNDS = ownJsonBounds(80);

function toBindingText({ caller, endpoint, request }: StateBinding): string {
  const { issuer, subject } = caller.principal;
  const narrowing = toNarrowing(caller);
  return JSON.stringify([issuer, subject, endpoint, request.method, ...(narrowing === undefined ? [] : [narrowing])]);
}

/** Digests the parts of the params that define the request, independent of the order of members. */
function computeDigest({ _meta, inputResponses: _responses, requestState: _state, ...params }: JsonObject): string {
  return computeJsonDigest(params);
}

/** Returns true for an object that maps keys to questions. */
export function isQuestions(value: unknown): value is Record<string, Question> {
  return isJsonObject(value) && Object.values(value).every(isQuestion);
}

const isQuestion = (value: unknown): boolean =>
  isJsonObject(value) && typeof value['method'] === 'string' && isJsonObject(value['params']);
