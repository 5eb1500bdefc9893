import { createHmac, createSecretKey, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Caller } from '#lib/extension-kit';
import type { WorkerId } from '../workers/index.js';

/** Who a session is for and where it may be used. Anybody else, or anywhere else, its id looks like no id at all. */
export interface SessionBinding {
  readonly caller: Caller;
  /** Id of the endpoint. */
  readonly endpoint: string;
  /** How its client speaks to us: streamable HTTP, or HTTP+SSE. */
  readonly transport: 'http' | 'sse';
}

/** What an id says once its seal was found genuine. */
export interface ReadSessionId {
  /** Incarnation of the worker that owns the session; fixed at birth. */
  readonly owner: string;
  /** Revision that was agreed on when the session was opened: any worker can tell how to speak to its client. */
  readonly revision: string;
}

const VERSION = 2;
const KEY_ID = 0;
const OWNER_END = 17;
const RANDOM_END = 33;
const BODY_END = 37;
const LENGTH = BODY_END + 16;
const CENTURY = 2000;
const MAX_CACHED_IDS = 10_000;

/**
 * Session ids that name their owner: version, incarnation, 128 random bits, key id, revision, and a MAC over all of
 * that, principal, endpoint and transport. So a worker tells a genuine id from a forged or foreign one, and how to speak
 * to its client, without a look-up.
 */
export class SessionIds {
  private readonly key: KeyObject;
  /** Ids of others' sessions that were found genuine. Each comes with every request of its client. */
  private readonly verified = new Map<string, { readonly binding: SessionBinding; readonly read: ReadSessionId }>();

  constructor(
    key: Buffer,
    private readonly workerId: WorkerId,
  ) {
    this.key = createSecretKey(key);
  }

  /** `revision`: a date, as all revisions of the protocol are. */
  mint(binding: SessionBinding, revision: string): string {
    const named = Buffer.concat([Buffer.of(VERSION), this.workerId.bytes, randomBytes(16)]);
    const body = Buffer.concat([named, Buffer.of(KEY_ID), encodeRevision(revision)]);
    return Buffer.concat([body, this.computeMac(body, binding)]).toString('base64url');
  }

  /** Undefined for anything that was not minted for this very binding. */
  read(id: string, binding: SessionBinding): ReadSessionId | undefined {
    const known = this.verified.get(id);
    if (known && isSameBinding(known.binding, binding)) return known.read;
    const read = this.verify(id, binding);
    if (read && this.verified.size >= MAX_CACHED_IDS) this.verified.clear();
    if (read) this.verified.set(id, { binding, read });
    return read;
  }

  private verify(id: string, binding: SessionBinding): ReadSessionId | undefined {
    const bytes = Buffer.from(id, 'base64url');
    if (bytes.length !== LENGTH || bytes[0] !== VERSION || bytes.toString('base64url') !== id) return undefined;
    const body = bytes.subarray(0, BODY_END);
    if (!timingSafeEqual(this.computeMac(body, binding), bytes.subarray(BODY_END))) return undefined;
    return {
      owner: bytes.toString('base64url', 1, OWNER_END),
      revision: decodeRevision(bytes.subarray(RANDOM_END + 1, BODY_END)),
    };
  }

  private computeMac(body: Buffer, { caller, endpoint, transport }: SessionBinding): Buffer {
    const { issuer, subject } = caller.principal;
    const bound = JSON.stringify([issuer, subject, endpoint, transport]);
    return createHmac('sha256', this.key).update(body).update(bound).digest().subarray(0, 16);
  }
}

function isSameBinding(one: SessionBinding, other: SessionBinding): boolean {
  const [mine, theirs] = [one.caller.principal, other.caller.principal];
  const isSamePrincipal = mine.issuer === theirs.issuer && mine.subject === theirs.subject;
  return isSamePrincipal && one.endpoint === other.endpoint && one.transport === other.transport;
}

function encodeRevision(revision: string): Buffer {
  const [year = CENTURY, month, day] = revision.split('-').map(Number);
  return Buffer.from([year - CENTURY, month ?? 0, day ?? 0]);
}

function decodeRevision(bytes: Buffer): string {
  const [year = 0, month, day] = bytes;
  return `${CENTURY + year}-${twoDigits(month)}-${twoDigits(day)}`;
}

const twoDigits = (value: number | undefined): string => String(value).padStart(2, '0');
