import type { FastifyReply } from 'fastify';
import { entityTag, isUnmodified } from '../entity-tags.js';
import type { EntryResponse } from './entries.js';

/** Answers with an entry and its entity tag, or with 304 and nothing when the client has it already. */
export function replyWithEntry(reply: FastifyReply, shown: EntryResponse, known?: string): EntryResponse | undefined {
  void reply.headers({ etag: entityTag(shown.version), 'cache-control': 'no-cache' });
  if (!isUnmodified(known, shown.version)) return shown;
  void reply.status(304);
  return undefined;
}

/** Answers a creation: 201 and where to find what was created. */
export function replyWithCreatedEntry(reply: FastifyReply, collection: string, shown: EntryResponse): EntryResponse {
  void reply.headers({ etag: entityTag(shown.version), location: `/admin/v1/${collection}/${shown.slug}` });
  return shown;
}
