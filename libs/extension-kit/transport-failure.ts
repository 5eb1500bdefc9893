import { toFaultOutcome, type Outcome } from '#lib/mcp-protocol';
import { OutcomeError } from './outcome-error.js';

type FailedOutcome = Extract<Outcome, { kind: 'error' }>;

export interface TransportFailureOptions {
  /** False: the server has certainly received nothing of the request, which may be sent again. True: it may have been executed. */
  readonly sent: boolean;
  /** With `sent`: the server did not answer in time. */
  readonly timedOut?: boolean;
}

/**
 * Says of a request that failed on its way whether it reached the server. Callers receive the message without credentials,
 * addresses and paths: -31004 and `not_executed`, or -31002 and `unknown` (docs/errors.md).
 */
export class TransportFailure extends OutcomeError {
  readonly sent: boolean;

  constructor(message: string, { sent, timedOut = false }: TransportFailureOptions) {
    const fault = sent ? (timedOut ? 'timeout' : 'lost') : 'refused';
    super(toFaultOutcome(fault, message) as FailedOutcome);
    this.sent = sent;
  }
}
