import type { JsonObject } from '#lib/mcp-protocol';
import type { CallEnd, CallOutcome } from './book.js';

interface Answer {
  readonly id?: unknown;
  readonly result?: { readonly content?: readonly { readonly text?: string }[]; readonly isError?: boolean };
  readonly error?: { readonly code: number; readonly data?: { readonly outcome?: string } };
}

/** The server answered with an error of its own, or was not there. */
const UPSTREAM_FAILED = -31_004;
const INTERNAL_ERROR = -32_603;
const MAX_TOLD = 400;

/** An answer without the id of its request: what it says still counts. */
export class NamelessAnswer extends Error {
  constructor(readonly end: CallEnd) {
    super(`an answer without its id: ${end.told}`);
  }
}

/**
 * What a client was told about its call.
 *
 * @throws NamelessAnswer for one that does not say what it answers
 * @throws Error with a sentence about an answer that must not be: of another call, made up, or a failure of the gateway's own
 */
export function endOf(mark: string, wanted: string, status: number, messages: readonly JsonObject[]): CallEnd {
  const told = `${status} ${JSON.stringify(messages.at(-1) ?? '')}`.slice(0, MAX_TOLD);
  const answers = messages.filter((message) => 'result' in message || 'error' in message) as readonly Answer[];
  const [answer, second] = answers;
  if (second !== undefined) throw new Error(`more than one answer: ${told}`);
  if (answer === undefined) throw new Error(`no answer: ${told}`);
  // A session that is not there is said to whole messages, of which there may be many.
  if (status === 404 && answer.id === undefined) return { outcome: 'gone', told };
  if (answer.id === undefined && answer.error !== undefined) {
    throw new NamelessAnswer({ outcome: outcomeOf(status, answer.error), told });
  }
  if (answer.id !== mark) throw new Error(`an answer to something else: ${told}`);
  if (answer.error?.code === INTERNAL_ERROR || status === 500) throw new Error(`an internal error: ${told}`);
  if (answer.error !== undefined) return { outcome: outcomeOf(status, answer.error), told };
  if (answer.result?.isError === true) return { outcome: 'refused', told };
  const text = answer.result?.content?.[0]?.text ?? '';
  if (!text.includes(wanted)) throw new Error(`a result that is not the server's: ${told}`);
  return { outcome: 'success', told };
}

function outcomeOf(status: number, { code, data }: NonNullable<Answer['error']>): CallOutcome {
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
