import { createHash } from 'node:crypto';
import type { Caller } from '#lib/extension-kit';
import {
  canonicalJson,
  isJsonObject,
  parseJson,
  type JsonObject,
  type McpRequest,
  type Question,
} from '#lib/mcp-protocol';
import { Seal } from '#lib/sealing';

/** What a client carries between a request that ended with questions and its repetition with the answers. */
export type RequestState =
  /** A call waits for the answers at this worker. */
  | { readonly kind: 'parked'; readonly worker: string; readonly call: string }
  /** A modern server's own state. */
  | { readonly kind: 'server'; readonly state: string }
  /** Nothing waits: once these are answered, the call is made anew. */
  | { readonly kind: 'anew'; readonly questions: Readonly<Record<string, Question>> };

/** A call that waits for its client at one of the workers. */
export type ParkedState = Extract<RequestState, { kind: 'parked' }>;

/** Who may go on with a request, where, and which request that is. For anybody and anything else the state is none. */
export interface StateBinding {
  readonly caller: Caller;
  /** Id of the endpoint. */
  readonly endpoint: string;
  /**
   * In the client's own words: with the endpoint they say the server too, and they stay the same when what they mean is
   * called otherwise or is not there any more.
   */
  readonly request: McpRequest;
}

export interface ReadState {
  readonly state: RequestState;
  /** It came too late. */
  readonly isExpired: boolean;
}

interface SealedState {
  readonly state: RequestState;
  /** Digest of the request that it was minted for. */
  readonly of: string;
  /** Milliseconds since the Unix epoch. */
  readonly until: number;
}

/**
 * Seals request states: clients carry them, and could try to change them, to use another one's, or to use them for another
 * request (specification of 2026: basic/patterns/mrtr, Server Requirements). Any worker can open what one of them sealed.
 */
export class RequestStates {
  private readonly seal: Seal;

  constructor(secret: Buffer) {
    this.seal = new Seal(secret, 'affinity request state 2');
  }

  mint(state: RequestState, binding: StateBinding, lifetimeMs: number): string {
    const sealed: SealedState = { state, of: computeDigest(binding.request.params), until: Date.now() + lifetimeMs };
    return this.seal.encrypt(JSON.stringify(sealed), toBindingText(binding));
  }

  /** Undefined for anything that was not minted for this very binding. */
  read(text: unknown, binding: StateBinding): ReadState | undefined {
    const json = this.seal.decrypt(text, toBindingText(binding));
    if (json === undefined) return undefined;
    // Only our own workers seal; what they wrote is what was read.
    const { state, of, until } = parseJson(json, MAX_STATE_DEPTH) as unknown as SealedState;
    // Last of all: params may be as large as a body, and a state that was made up costs no digest.
    if (computeDigest(binding.request.params) !== of) return undefined;
    return { state, isExpired: Date.now() >= until };
  }
}

/** Questions are as deep as messages may be, and stand a few levels down. */
const MAX_STATE_DEPTH = 80;

function toBindingText({ caller, endpoint, request }: StateBinding): string {
  const { issuer, subject } = caller.principal;
  return JSON.stringify([issuer, subject, endpoint, request.method]);
}

/** Of what the client asks for, whatever it says beside that, in whatever order. */
function computeDigest({ _meta, inputResponses: _responses, requestState: _state, ...asked }: JsonObject): string {
  return createHash('sha256').update(canonicalJson(asked)).digest('base64url');
}

/** True for questions by their keys. */
export function isQuestions(value: unknown): value is Record<string, Question> {
  return isJsonObject(value) && Object.values(value).every(isQuestion);
}

const isQuestion = (value: unknown): boolean =>
  isJsonObject(value) && typeof value['method'] === 'string' && isJsonObject(value['params']);
