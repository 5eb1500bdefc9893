import type { FastifyReply } from 'fastify';
import { entityTag, isUnmodified } from '../entity-tags.js';
import type { EntryResponse } from './entries.js';

/** Replies with an entry and its entity tag, or with 304 and no body when the client already has this version. */
export function replyWithEntry(
  reply: FastifyReply,
  entry: EntryResponse,
  ifNoneMatch?: string,
): EntryResponse | undefined {
  void reply.headers({ etag: entityTag(entry.version), 'cache-control': 'private, no-cache' });
  if (!isUnmodified(ifNoneMatch, entry.version)) return entry;
  void reply.status(304);
  return undefined;
}

/** Replies to a creation with the entry, its entity tag and its location. */
export function replyWithCreatedEntry(reply: FastifyReply, collection: string, entry: EntryResponse): EntryResponse {
  void reply.headers({ etag: entityTag(entry.version), location: `/admin/v1/${collection}/${entry.slug}` });
  return entry;
}
