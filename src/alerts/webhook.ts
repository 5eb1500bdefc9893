import { Agent, request } from 'undici';
import { guardedConnector, type AddressGuard } from '#lib/address-guard';
import { PRODUCT } from '#lib/extension-kit';
import type { Clock } from '#lib/time';
import { signedHeaders } from '#lib/webhooks';
import { toPayload, type Alert } from './alert.js';

const ATTEMPT_TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 16_384;
const GONE = 410;

/** The result of one attempt to deliver an alert. `isFinal`: the receiver wants no repetition. */
export type AttemptResult =
  | { readonly delivered: true; readonly status: number }
  | { readonly delivered: false; readonly status?: number; readonly error: string; readonly isFinal: boolean };

/**
 * Posts alerts to one URL, signed by Standard Webhooks (https://www.standardwebhooks.com). Connects to public and allowed
 * addresses only, and follows no redirect.
 */
export class Webhook {
  /** Scheme, host and port. */
  readonly origin: string;
  private readonly agent: Agent;

  constructor(
    private readonly url: string,
    private readonly secret: string,
    guard: AddressGuard,
    private readonly clock: Clock,
  ) {
    this.origin = new URL(url).origin;
    const connect = guardedConnector(guard, { timeout: ATTEMPT_TIMEOUT_MS, allowH2: false });
    this.agent = new Agent({ connect, allowH2: false });
  }

  /** Never rejects. */
  async send(alert: Alert): Promise<AttemptResult> {
    const body = toPayload(alert);
    const headers = {
      'content-type': 'application/json',
      'user-agent': `${PRODUCT.name}/${PRODUCT.version}`,
      ...signedHeaders(this.secret, { id: alert.id, sentAtMs: this.clock.now(), body }),
    };
    const signal = this.clock.timeoutSignal(ATTEMPT_TIMEOUT_MS);
    try {
      const answer = await request(this.url, { method: 'POST', headers, body, signal, dispatcher: this.agent });
      await answer.body.dump({ limit: MAX_ANSWER_BYTES });
      return toResult(answer.statusCode);
    } catch (cause) {
      return { delivered: false, error: describe(cause), isFinal: false };
    }
  }

  close(): Promise<void> {
    return this.agent.destroy();
  }
}

function toResult(status: number): AttemptResult {
  if (status >= 200 && status < 300) return { delivered: true, status };
  const error =
    status === GONE ? 'The receiver wants no more alerts (410).' : `The receiver answered with status ${status}.`;
  return { delivered: false, status, error, isFinal: status === GONE };
}

/** The text of the fault contains the address, and not the path, which may contain a secret. */
function describe(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(describe).join(', ');
  return cause instanceof Error ? cause.message : String(cause);
}
