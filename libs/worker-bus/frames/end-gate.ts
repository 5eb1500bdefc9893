import type { BusEnd } from '../bus.js';
import { readJson, toJsonBytes } from './json.js';

/**
 * End of an accepted request, as the owner reports it. `overflow`: the handler emitted more than the requester
 * consumed. `unclaimed`: the reply to the claim was lost, so the request was not run and never will be. `unstarted`:
 * the request was cancelled before it started.
 */
export type EndStatus = (typeof STATUSES)[number];

const STATUSES = ['value', 'failed', 'overflow', 'unclaimed', 'unstarted'] as const;

/** The only place where an end becomes a value: only an end with status `value` does. */
export class EndGate {
  /** @throws TypeError for a value that JSON cannot represent */
  encode(status: EndStatus, value?: unknown): Buffer {
    return Buffer.concat([Buffer.of(STATUSES.indexOf(status)), toJsonBytes(value)]);
  }

  decode(bytes: Buffer): BusEnd {
    switch (STATUSES[bytes[0] ?? STATUSES.length]) {
      case 'value':
        return readValue(bytes.subarray(1));
      case 'failed':
        return { kind: 'failed' };
      case 'unclaimed':
        return { kind: 'not-executed', cause: 'unavailable' };
      case 'unstarted':
        return { kind: 'not-executed', cause: 'cancelled' };
      default:
        return UNREADABLE;
    }
  }

  /** A refusal with an unreadable reason stays a refusal: nothing ran. */
  decodeRefusal(bytes: Buffer): BusEnd {
    const refusal = readJson(bytes)?.value;
    const { reason, detail } = (refusal ?? {}) as { reason?: unknown; detail?: unknown };
    const readableReason = typeof reason === 'string' ? reason : 'unreadable';
    return detail === undefined
      ? { kind: 'refused', reason: readableReason }
      : { kind: 'refused', reason: readableReason, detail };
  }
}

/** The request ran, and its value is lost. */
const UNREADABLE: BusEnd = { kind: 'unknown', cause: 'gap' };

function readValue(bytes: Buffer): BusEnd {
  const read = readJson(bytes);
  return read ? { kind: 'value', value: read.value } : UNREADABLE;
}
