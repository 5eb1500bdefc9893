import { Injectable, Optional } from '@nestjs/common';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { Clock } from '#lib/time';
import { CallTracer, type CallProgress } from '../telemetry/index.js';
import { truncateLabel } from '../workers/index.js';
import type { AskedQuestions } from './request-states.js';

/**
 * The spans of questions that end a request. The span of such a question begins with the result that contains it, and ends with
 * the repetition that answers it, at whichever worker: until then only the request state knows of it.
 */
@Injectable()
export class ReplayedQuestions {
  constructor(
    private readonly clock: Clock,
    @Optional() private readonly tracer?: CallTracer,
  ) {}

  /** What a request state contains for the spans of its questions. Undefined without tracing. */
  describe(questions: JsonValue | undefined, progress: CallProgress | undefined): AskedQuestions | undefined {
    const trace = progress?.traceparent;
    if (trace === undefined || !isJsonObject(questions)) return undefined;
    const methods: Record<string, string> = {};
    for (const [key, question] of Object.entries(questions)) {
      const method = isJsonObject(question) ? question['method'] : undefined;
      if (typeof method === 'string') methods[key] = truncateLabel(method);
    }
    return { trace, at: this.clock.now(), methods };
  }

  /** Makes the spans of the questions that the client has answered, and links the request that asked them. */
  traceAnswered(
    asked: AskedQuestions | undefined,
    server: string,
    responses: JsonObject,
    progress: CallProgress | undefined,
  ): void {
    if (!asked) return;
    progress?.linkTrace(asked.trace);
    for (const [key, method] of Object.entries(asked.methods)) {
      if (!Object.hasOwn(responses, key)) continue;
      this.trace(asked, server, method);
    }
  }

  /** Makes the spans of questions without a request state. They end as they are sent: nothing shows when they are answered. */
  traceSent(asked: AskedQuestions | undefined, server: string): void {
    for (const method of Object.values(asked?.methods ?? {})) if (asked) this.trace(asked, server, method);
  }

  private trace({ trace: parent, at }: AskedQuestions, server: string, method: string): void {
    this.tracer?.startQuestion({ server, question: { method, params: {} }, parent, at })?.end({ result: {} });
  }
}
