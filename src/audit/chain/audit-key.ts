import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { canonicalJson, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { ChainedRecord, ChainLink } from '../audit-record.js';

const KEY_BYTES = 32;

/** A record without its own hash. */
export type UnsealedRecord = Omit<ChainedRecord, 'chain'> & { readonly chain: Omit<ChainLink, 'hash'> };

/**
 * Authenticates audit records (HMAC-SHA-256, RFC 2104; keys by HKDF, RFC 5869). Without the secret nobody can compute the hash of
 * an altered record, or guess short arguments from their digest.
 */
export class AuditKey {
  private readonly records: KeyObject;
  private readonly deletions: KeyObject;
  private readonly arguments: KeyObject;

  constructor(secret: Buffer) {
    this.records = deriveKey(secret, 'isthmus audit records');
    this.deletions = deriveKey(secret, 'isthmus audit deletions');
    this.arguments = deriveKey(secret, 'isthmus audit arguments');
  }

  /** The canonical form is that of the JSON which streams contain: the time is a text, and absent members are left out. */
  hashRecord({ at, ...record }: UnsealedRecord): string {
    const members: unknown = { ...record, at: at.toISOString() };
    return hashWith(this.records, canonicalJson(members as JsonObject));
  }

  /** True if this key made the hash of the record. */
  matches({ chain: { hash, ...chain }, ...record }: ChainedRecord): boolean {
    return this.hashRecord({ ...record, chain }) === hash;
  }

  /** Authenticates that records of a class of a chain up to this number were deleted. */
  hashDeletion(worker: string, recordClass: string, number: number): string {
    return hashWith(this.deletions, JSON.stringify([worker, recordClass, number]));
  }

  /** Equal arguments have equal digests, whatever the order of their members. */
  digestArguments(value: JsonValue): string {
    return hashWith(this.arguments, canonicalJson(value));
  }
}

const deriveKey = (secret: Buffer, label: string): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', label, KEY_BYTES)));

const hashWith = (key: KeyObject, text: string): string => createHmac('sha256', key).update(text).digest('base64url');
