import type { JsonObject } from '#lib/mcp-protocol';
import type { CallEnd, CallOutcome } from './call-ledger.js';

interface Answer {
  readonly id?: unknown;
  readonly result?: { readonly content?: readonly { readonly text?: string }[]; readonly isError?: boolean };
  readonly error?: { readonly code: number; readonly data?: { readonly outcome?: string } };
}

/** The server failed or was unreachable. */
const UPSTREAM_FAILED = -31_004;
const INTERNAL_ERROR = -32_603;
const MAX_RECEIVED_LENGTH = 400;

/** An answer without the id of its request. Its outcome still counts. */
export class AnswerWithoutId extends Error {
  constructor(readonly end: CallEnd) {
    super(`an answer without its id: ${end.received}`);
  }
}

/**
 * Converts the received answer to the end of the call.
 *
 * @throws AnswerWithoutId for an error without an id
 * @throws Error for an invalid answer: of another call, without the server's result, or an internal error of the gateway
 */
export function toCallEnd(mark: string, wanted: string, status: number, messages: readonly JsonObject[]): CallEnd {
  const received = `${status} ${JSON.stringify(messages.at(-1) ?? '')}`.slice(0, MAX_RECEIVED_LENGTH);
  const answers = messages.filter((message) => 'result' in message || 'error' in message) as readonly Answer[];
  const [answer, second] = answers;
  if (second !== undefined) throw new Error(`more than one answer: ${received}`);
  if (answer === undefined) throw new Error(`no answer: ${received}`);
  const hasId = answer.id !== undefined && answer.id !== null;
  // The 404 for an unknown session applies to the whole HTTP message and has no id.
  if (status === 404 && !hasId) return { outcome: 'gone', received };
  if (!hasId && answer.error !== undefined) {
    throw new AnswerWithoutId({ outcome: toOutcome(status, answer.error), received });
  }
  if (answer.id !== mark) throw new Error(`an answer to something else: ${received}`);
  if (answer.error?.code === INTERNAL_ERROR || status === 500) throw new Error(`an internal error: ${received}`);
  if (answer.error !== undefined) return { outcome: toOutcome(status, answer.error), received };
  if (answer.result?.isError === true) return { outcome: 'refused', received };
  const text = answer.result?.content?.[0]?.text ?? '';
  if (!text.includes(wanted)) throw new Error(`a result that is not the server's: ${received}`);
  return { outcome: 'success', received };
}

function toOutcome(status: number, { code, data }: NonNullable<Answer['error']>): CallOutcome {
  if (status === 404 && data?.outcome === undefined) return 'gone';
  switch (data?.outcome) {
    case 'not_executed':
      return code === UPSTREAM_FAILED ? 'declined' : 'not_executed';
    case 'executed':
    case 'unknown':
      return data.outcome;
    default:
      return 'refused';
  }
}
