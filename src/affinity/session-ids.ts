import { createHmac, createSecretKey, randomBytes, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Caller } from '#lib/extension-kit';
import { hasSameNarrowing, toNarrowing } from '../session-pool/index.js';
import type { WorkerId } from '../workers/index.js';

/**
 * The principal, the servers that its token is limited to, the endpoint and the transport that a session is bound to. For any
 * other its id is unknown.
 */
export interface SessionBinding {
  readonly caller: Caller;
  /** Id of the endpoint. */
  readonly endpoint: string;
  /** The client's transport: streamable HTTP, or HTTP+SSE. */
  readonly transport: 'http' | 'sse';
}

/** What a verified session id contains. */
export interface ReadSessionId {
  /** Id of the worker that opened the session. It does not change with a handoff. */
  readonly owner: string;
  /** Protocol revision of the session. Every worker can derive from it how to encode messages for the client. */
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
 * Issues and verifies session ids. An id contains version, worker id, 128 random bits, key id, revision, and a MAC over
 * these and the binding. So a worker distinguishes a genuine id from a forged or foreign
 * one, and knows the client's revision, without a look-up (ADR 5).
 */
export class SessionIds {
  private readonly key: KeyObject;
  /** Cache of verified ids of sessions on other workers; every request of a client repeats its id. */
  private readonly verified = new Map<string, { readonly binding: SessionBinding; readonly read: ReadSessionId }>();

  constructor(
    key: Buffer,
    private readonly workerId: WorkerId,
  ) {
    this.key = createSecretKey(key);
  }

  /** `revision`: a date, as all revisions of the protocol are. */
  mint(binding: SessionBinding, revision: string): string {
    const identity = Buffer.concat([Buffer.of(VERSION), this.workerId.bytes, randomBytes(16)]);
    const body = Buffer.concat([identity, Buffer.of(KEY_ID), encodeRevision(revision)]);
    return Buffer.concat([body, this.computeMac(body, binding)]).toString('base64url');
  }

  /** Returns undefined for anything that was not issued for this binding. */
  read(id: string, binding: SessionBinding): ReadSessionId | undefined {
    const cached = this.verified.get(id);
    if (cached && isSameBinding(cached.binding, binding)) return cached.read;
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
    const narrowing = toNarrowing(caller);
    // Without a limit the text is that of earlier releases, so that their sessions continue during a rolling restart.
    const boundTo = JSON.stringify([
      issuer,
      subject,
      endpoint,
      transport,
      ...(narrowing === undefined ? [] : [narrowing]),
    ]);
    return createHmac('sha256', this.key).update(body).update(boundTo).digest().subarray(0, 16);
  }
}

function isSameBinding(one: SessionBinding, other: SessionBinding): boolean {
  const [mine, theirs] = [one.caller.principal, other.caller.principal];
  const isSamePrincipal = mine.issuer === theirs.issuer && mine.subject === theirs.subject;
  return (
    isSamePrincipal &&
    hasSameNarrowing(one.caller, other.caller) &&
    one.endpoint === other.endpoint &&
    one.transport === other.transport
  );
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
