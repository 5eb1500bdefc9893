import { GatewayCode } from '../error-codes.js';
import type { Outcome } from '../neutral.js';
import { cleanDetail } from './detail.js';
import { protocolViolation, gatewayFailure } from './gateway-failure.js';

/**
 * How a transport can fail. `refused`: nothing was sent (connection refused, DNS, TLS). `forbidden`: nothing was sent,
 * and never will be, to an address that is not allowed. `lost`: the connection broke after bytes were sent. `timeout`:
 * no answer in time. `cut`: the answer started and did not end. `aborted`: the caller cancelled. `too_large`: the
 * answer exceeds the limit of the gateway. `undecodable`: the content encoding of the answer is unknown, or its data is invalid.
 * `flooded`: the event stream contains too much that is no message.
 */
export type TransportFault =
  'refused' | 'forbidden' | 'lost' | 'timeout' | 'cut' | 'aborted' | 'too_large' | 'undecodable' | 'flooded';

/** Returns the outcome of a request whose transport failed. `detail` may be a foreign text; it is cleaned here. */
export function toFaultOutcome(fault: TransportFault, detail?: string): Outcome {
  const cleaned = detail === undefined ? '' : cleanDetail(detail);
  const suffix = cleaned === '' ? '' : `: ${cleaned}`;
  switch (fault) {
    case 'refused':
      return gatewayFailure(GatewayCode.upstreamFailed, `Upstream could not be reached${suffix}`, NOTHING_SENT);
    case 'forbidden':
      return gatewayFailure(GatewayCode.upstreamFailed, FORBIDDEN, NEVER_SENT);
    case 'lost':
      return unknownOutcome(`The connection to the upstream broke before it answered${suffix}`);
    case 'timeout':
      return unknownOutcome(`The upstream did not answer in time${suffix}`);
    case 'aborted':
      return unknownOutcome(`The call was cancelled before the upstream answered${suffix}`);
    case 'cut':
      return protocolViolation(`the answer was cut short${suffix}`);
    case 'too_large':
      return protocolViolation(`the answer is too large${suffix}`);
    case 'undecodable':
      return protocolViolation(`the answer cannot be decoded${suffix}`);
    case 'flooded':
      return protocolViolation(`the event stream contains too many comments or empty events${suffix}`);
  }
}

const FORBIDDEN =
  'Upstream has an address that is not allowed; an administrator allows its network with ISTHMUS_ALLOWED_NETWORKS';
const NEVER_SENT = { outcome: 'not_executed', retriable: false } as const;
const NOTHING_SENT = { outcome: 'not_executed', retriable: true } as const;
const SENT = { outcome: 'unknown', retriable: false } as const;

function unknownOutcome(message: string): Outcome {
  return gatewayFailure(GatewayCode.outcomeUnknown, message, SENT);
}
