import { readJson, toJsonBytes } from './json.js';

/** Header of a request message. */
export interface RequestHead {
  readonly pattern: string;
  readonly queue?: string;
  /** Maximum duration of the request from its arrival, in ms. */
  readonly budgetMs?: number;
  /** See Ticket. */
  readonly generation: string;
  /** See Ticket. */
  readonly notAfter: number;
}

const LENGTH_BYTES = 4;

/** @throws TypeError for a payload that JSON cannot represent */
export function encodeRequest(head: RequestHead, payload: unknown): Buffer {
  const headText = toJsonBytes(head);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(headText.length);
  return Buffer.concat([length, headText, toJsonBytes(payload)]);
}

/** Returns undefined for bytes that are not a request. */
export function decodeRequest(bytes: Buffer): { readonly head: RequestHead; readonly payload: unknown } | undefined {
  if (bytes.length < LENGTH_BYTES) return undefined;
  const headEnd = LENGTH_BYTES + bytes.readUInt32BE(0);
  if (headEnd > bytes.length) return undefined;
  const head = readJson(bytes.subarray(LENGTH_BYTES, headEnd))?.value;
  const payload = readJson(bytes.subarray(headEnd));
  return isHead(head) && payload ? { head, payload: payload.value } : undefined;
}

function isHead(value: unknown): value is RequestHead {
  if (typeof value !== 'object' || value === null) return false;
  const { pattern, queue, budgetMs, generation, notAfter } = value as Partial<Record<keyof RequestHead, unknown>>;
  const isText = typeof pattern === 'string' && typeof generation === 'string';
  const isOptional =
    ['string', 'undefined'].includes(typeof queue) && ['number', 'undefined'].includes(typeof budgetMs);
  return isText && isOptional && typeof notAfter === 'number';
}
