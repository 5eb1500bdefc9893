import { Injectable } from '@nestjs/common';
import { GatewayError, type Caller } from '#lib/extension-kit';
import {
  capabilityOf,
  eraOfRevision,
  errorForEra,
  isListMethod,
  LIST_MEMBERS,
  outcomeOfFault,
  result,
  type ClientProfile,
  type Era,
  type McpRequest,
  type Outcome,
  type RequestId,
} from '#lib/mcp-protocol';
import type { ServerDefinition } from '../registry/index.js';
import type { UpstreamConnection, UpstreamReply, UpstreamRequest } from '../upstream/index.js';
import type { StreamSink } from './event-log.js';
import { PlainReply, SessionReply } from './call-replies.js';
import { ensureLogLevel } from './log-levels.js';
import { answerReplayableQuestions } from './replayable-questions.js';
import { QuestionAbandoned } from './session-pool.errors.js';
import { SessionPoolConfig } from './session-pool.config.js';
import type { Session } from './session.js';
import { UpstreamPool, type UpstreamFace } from './upstream-pool.js';

/** One request to one server, under the item's own name there. */
export interface UpstreamCall {
  readonly server: ServerDefinition;
  readonly request: McpRequest;
  readonly parameterHeaders?: Readonly<Record<string, string | number | boolean>>;
  readonly caller: Caller;
  readonly client: ClientProfile;
  /** The client's own request id; what cancels the call and what its answer carries. */
  readonly requestId: RequestId;
  /** The client answers `input_required` itself by repeating the call. */
  readonly repeatsItself: boolean;
  /** Nothing may precede the outcome: a part of a list that is put together from several servers. */
  readonly silent?: boolean;
}

/** Runs calls at the worker that holds their session or connection. */
@Injectable()
export class UpstreamCalls {
  constructor(
    private readonly upstreams: UpstreamPool,
    private readonly config: SessionPoolConfig,
  ) {}

  /** A call of a legacy session. The session's own cancellation ends it, the client's connection does not. */
  async runInSession(session: Session, call: UpstreamCall, sink: StreamSink): Promise<Outcome> {
    session.touch();
    const open = session.begin(call.requestId, call.request.method, call.silent ? undefined : sink);
    return open.finish(await this.run(call, session, new SessionReply(session, open), open.signal));
  }

  /** A call without a session; aborting the signal cancels it. */
  async runAlone(call: UpstreamCall, sink: StreamSink, signal: AbortSignal): Promise<Outcome> {
    return this.run(call, undefined, new PlainReply(sink, call.request.logLevel), signal);
  }

  private async run(
    call: UpstreamCall,
    session: Session | undefined,
    reply: UpstreamReply,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const face: UpstreamFace = { caller: call.caller, client: call.client, session };
    try {
      return await this.upstreams.use(call.server, face, (connection) =>
        this.exchange(connection, call, reply, session, signal),
      );
    } catch (cause) {
      return outcomeOf(cause);
    }
  }

  private async exchange(
    connection: UpstreamConnection,
    call: UpstreamCall,
    reply: UpstreamReply,
    session: Session | undefined,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { method } = call.request;
    if (call.silent && isListMethod(method) && !connection.profile.capabilities[capabilityOf(method)!]) {
      return result({ [LIST_MEMBERS[method]]: [] });
    }
    const level = call.request.logLevel ?? session?.logLevel;
    if (level) await ensureLogLevel(connection, level, call.client);
    const request = upstreamRequest(call, level);
    const outcome = await connection.request(request, reply, signal);
    if (outcome.kind === 'error') return inClientsCodes(outcome, connection.profile.era, call);
    if (outcome.result['resultType'] !== 'input_required' || call.repeatsItself) return outcome;
    return answerReplayableQuestions(connection, request, outcome.result, reply, signal, {
      server: call.server.slug,
      maxRounds: this.config.maxQuestionRounds,
    });
  }
}

function upstreamRequest(call: UpstreamCall, logLevel: McpRequest['logLevel']): UpstreamRequest {
  const { request, client, parameterHeaders } = call;
  return {
    ...request,
    client,
    ...(logLevel && { logLevel }),
    ...(parameterHeaders && { parameterHeaders }),
  };
}

/** A server of the other era may use codes that the client's era forbids. */
function inClientsCodes(failed: Extract<Outcome, { kind: 'error' }>, era: Era, call: UpstreamCall): Outcome {
  const clientEra = eraOfRevision(call.client.revision) ?? 'legacy';
  return clientEra === era ? failed : { ...failed, error: errorForEra(failed.error, clientEra, call.request.method) };
}

/** What a failure to open a connection, or a refusal of the pool, means to the client. */
function outcomeOf(cause: unknown): Outcome {
  if (cause instanceof GatewayError) return cause.toOutcome();
  if (cause instanceof QuestionAbandoned) return outcomeOfFault('aborted');
  throw cause;
}
