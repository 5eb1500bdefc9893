import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Caller } from '#lib/extension-kit';

/** 128 random bits that name one run of one worker. Drawn at start, never seen again after its end. */
export class Incarnation {
  readonly bytes = randomBytes(16);
  readonly text = this.bytes.toString('base64url');
}

/** What an id says once its seal was found genuine. */
export interface ReadSessionId {
  /** Incarnation of the worker that owns the session; fixed at birth. */
  readonly owner: string;
}

const VERSION = 1;
const KEY_ID = 0;
const OWNER_END = 17;
const SEALED_END = 34;
const LENGTH = SEALED_END + 16;

/**
 * Session ids that name their owner: version, incarnation, 128 random bits, key id, and a MAC over all of that,
 * principal and endpoint. So a worker tells a genuine id from a forged or foreign one without a look-up.
 */
export class SessionIds {
  constructor(
    private readonly key: Buffer,
    private readonly me: Incarnation,
  ) {}

  mint(caller: Caller, endpoint: string): string {
    const body = Buffer.concat([Buffer.of(VERSION), this.me.bytes, randomBytes(16), Buffer.of(KEY_ID)]);
    return Buffer.concat([body, this.seal(body, caller, endpoint)]).toString('base64url');
  }

  /** Undefined for anything that was not minted for this very caller and endpoint. */
  read(id: string, caller: Caller, endpoint: string): ReadSessionId | undefined {
    const bytes = Buffer.from(id, 'base64url');
    if (bytes.length !== LENGTH || bytes[0] !== VERSION || bytes.toString('base64url') !== id) return undefined;
    const body = bytes.subarray(0, SEALED_END);
    if (!timingSafeEqual(this.seal(body, caller, endpoint), bytes.subarray(SEALED_END))) return undefined;
    return { owner: bytes.toString('base64url', 1, OWNER_END) };
  }

  private seal(body: Buffer, caller: Caller, endpoint: string): Buffer {
    const { issuer, subject } = caller.principal;
    const bound = JSON.stringify([issuer, subject, endpoint]);
    return createHmac('sha256', this.key).update(body).update(bound).digest().subarray(0, 16);
  }
}
