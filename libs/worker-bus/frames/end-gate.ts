import type { BusEnd } from '../bus.js';
import { readJson, toJsonBytes } from './json.js';

/**
 * How a request that was accepted ended, as the owner says it. `overflow`: more was sent than the requester took.
 * `unclaimed`: whether the claim was won is lost, and so it was not run and never will be.
 * `unstarted`: it was cancelled before it began.
 */
export type EndStatus = (typeof STATUSES)[number];

const STATUSES = ['value', 'failed', 'overflow', 'unclaimed', 'unstarted'] as const;

/** The only place where an end becomes a value: what does not say `value` never does. */
export class EndGate {
  /** @throws TypeError for a value that JSON cannot hold */
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

  /** A reason that cannot be read is a refusal all the same: nothing ran. */
  decodeRefusal(bytes: Buffer): BusEnd {
    const said = readJson(bytes)?.value;
    const { reason, detail } = (said ?? {}) as { reason?: unknown; detail?: unknown };
    const why = typeof reason === 'string' ? reason : 'unreadable';
    return detail === undefined ? { kind: 'refused', reason: why } : { kind: 'refused', reason: why, detail };
  }
}

/** It ran, and what it said is lost. */
const UNREADABLE: BusEnd = { kind: 'unknown', cause: 'gap' };

function readValue(bytes: Buffer): BusEnd {
  const read = readJson(bytes);
  return read ? { kind: 'value', value: read.value } : UNREADABLE;
}
