import {
  Client,
  InsufficientScopeError,
  ProtocolError,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { PRODUCT } from '#lib/extension-kit';
import type { ToolAnswer } from './answer-text.js';
import { ExitCode } from './exit-code.js';
import type { TerminalQuestions } from './terminal-questions.js';
import { toTerminalLine } from './terminal-text.js';

export interface ToolCall {
  readonly url: URL;
  readonly token?: string;
  readonly name: string;
  readonly args: JsonObject;
  readonly timeoutMs: number;
  /** Answers the questions of the tool. Undefined: the client declares that it cannot answer any. */
  readonly questions: Pick<TerminalQuestions, 'answer' | 'close'> | undefined;
  /** Cancels the call when it is aborted. */
  readonly signal: AbortSignal;
}

export type CallOutcome =
  | { readonly kind: 'answered'; readonly answer: ToolAnswer }
  | { readonly kind: 'failed'; readonly text: string; readonly exitCode: number; readonly error: JsonObject };

/** How far a call has come: what an error without an outcome means for it. */
type Stage = 'not_sent' | 'sent' | 'running';

/** Connects, calls the tool once, and ends the session. Never rejects for a failure of the gateway or the tool. */
export async function callOnce(call: ToolCall): Promise<CallOutcome> {
  const { url, token, name, args, timeoutMs, questions, signal } = call;
  let stage: Stage = 'not_sent';
  const client = new Client(
    { name: PRODUCT.name, version: PRODUCT.version },
    { capabilities: questions ? { elicitation: { form: {} } } : {}, versionNegotiation: { mode: 'auto' } },
  );
  if (questions)
    client.setRequestHandler('elicitation/create', ({ params }) => {
      // Only a tool that runs asks.
      stage = 'running';
      return questions.answer(params);
    });
  // The SDK waits for an open question, also when the call is cancelled.
  signal.addEventListener('abort', () => questions?.close(), { once: true });
  const transport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } },
    fetch: (target, init) => {
      if (stage === 'not_sent' && isToolCall(init?.body)) stage = 'sent';
      return fetch(target, init);
    },
  });
  try {
    await client.connect(transport, { signal });
    const options = { timeout: timeoutMs, resetTimeoutOnProgress: true, onprogress: () => undefined, signal };
    const answer = await client.callTool({ name, arguments: args }, options);
    return { kind: 'answered', answer: answer as unknown as ToolAnswer };
  } catch (cause) {
    return signal.aborted ? toInterruption(stage) : toFailure(cause, url, stage);
  } finally {
    questions?.close();
    await transport.terminateSession().catch(() => undefined);
    await client.close();
  }
}

function isToolCall(body: unknown): boolean {
  const message: unknown = typeof body === 'string' ? JSON.parse(body) : undefined;
  return isJsonObject(message) && message['method'] === 'tools/call';
}

function toInterruption(stage: Stage): CallOutcome {
  if (stage === 'not_sent') return toFailed('Interrupted before the call was sent.', 'not_executed');
  return toFailed('Interrupted. It is unknown whether the call was executed.', 'unknown');
}

function toFailure(cause: unknown, url: URL, stage: Stage): CallOutcome {
  if (cause instanceof ProtocolError) return toProtocolFailure(cause, stage);
  if (cause instanceof SdkHttpError) return toHttpFailure(cause, url, stage);
  // The SDK's form of a status of 403 that names the missing scope.
  const isRefused = stage === 'sent' && cause instanceof InsufficientScopeError;
  return toFailed(`${url.href}: ${toReason(cause)}`, stage === 'not_sent' || isRefused ? 'not_executed' : 'unknown');
}

/** The gateway says in `data.outcome` what became of the call; an error of the server itself has none. */
function toProtocolFailure({ code, message, data }: ProtocolError, stage: Stage): CallOutcome {
  const error = { code, message, ...(data !== undefined && { data: data as JsonValue }) };
  const outcome = outcomeOf(error) ?? (stage === 'not_sent' ? 'not_executed' : 'executed');
  return toFailed(`${message} (${code})`, outcome, error);
}

/**
 * A response with an error status. Its body may say what became of the call (docs/errors.md); by itself, a status of 400 to 499
 * refuses the call only while no tool can run yet.
 */
function toHttpFailure(cause: SdkHttpError, url: URL, stage: Stage): CallOutcome {
  const error = readRpcError(cause.data);
  const isRefused = stage === 'sent' && cause.status >= 400 && cause.status < 500;
  const outcome = stage === 'not_sent' || isRefused ? 'not_executed' : 'unknown';
  return toFailed(toHttpText(cause, url, error), outcomeOf(error) ?? outcome, error);
}

function readRpcError({ text }: { readonly [member: string]: unknown }): JsonObject | undefined {
  try {
    const body: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    return isJsonObject(body) && isJsonObject(body['error']) ? body['error'] : undefined;
  } catch {
    return undefined;
  }
}

function outcomeOf(error: JsonObject | undefined): JsonValue | undefined {
  return isJsonObject(error?.['data']) ? error['data']['outcome'] : undefined;
}

function toFailed(
  message: string,
  outcome: JsonValue,
  error: JsonObject = { message, data: { outcome } },
): CallOutcome {
  // The message may be one of a server.
  const text = toTerminalLine(message);
  return { kind: 'failed', text, exitCode: EXIT_CODE_OF.get(outcome) ?? ExitCode.failed, error };
}

const EXIT_CODE_OF: ReadonlyMap<JsonValue, number> = new Map([
  ['not_executed', ExitCode.notExecuted],
  ['unknown', ExitCode.unknown],
]);

const ADVICE: Readonly<Record<number, string>> = {
  401: 'The gateway requires a valid token: pass one with --token, or create one with `isthmus token`.',
  403: 'The token may not use this endpoint.',
  404: 'There is no MCP endpoint at this URL. The default endpoint is /mcp.',
};

function toHttpText(cause: SdkHttpError, url: URL, error: JsonObject | undefined): string {
  const message = error?.['message'];
  const reason = ADVICE[cause.status] ?? (typeof message === 'string' ? message : cause.message);
  return `${url.href}: HTTP ${cause.status}. ${reason}`;
}

/** The reason of the innermost error: those around it say only that a request failed. */
function toReason(cause: unknown): string {
  let innermost = cause;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  if (!(innermost instanceof Error)) return String(innermost);
  if (innermost instanceof AggregateError) return innermost.errors.map(toReason).join('; ');
  return innermost.message === '' ? innermost.name : innermost.message;
}
