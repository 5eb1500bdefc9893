import type { JsonObject } from '#lib/mcp-protocol';
import { computeJsonDigest } from '#lib/sealing';
import type { RegisteredInterceptor } from './call-interceptors.js';

/** An interceptor, and the arguments of the call as it sees them. */
export interface Asker {
  readonly interceptor: RegisteredInterceptor;
  readonly args: JsonObject;
}

/** Characters of six bits. */
const DIGEST_LENGTH = 22;

/**
 * The key under which a question is answered. It contains a digest of what is asked about: an answer counts for no other question,
 * nor for arguments that another interceptor has changed differently since.
 * @param asked what is asked, besides the arguments
 */
export function toQuestionKey(
  { interceptor: { module, name }, args }: Asker,
  key: string,
  asked: JsonObject | undefined,
): string {
  const digest = computeJsonDigest([module, name, key, asked ?? null, args]);
  return `${name}/${key}/${digest.slice(0, DIGEST_LENGTH)}`;
}
