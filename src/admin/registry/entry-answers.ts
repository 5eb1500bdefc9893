import type { FastifyReply } from 'fastify';
import { entityTag, isKnown } from '../entity-tags.js';
import type { ShownEntry } from './entries.js';

/** Replies with an entry and its entity tag, or with 304 and no body when the client already has this version. */
export function answer(reply: FastifyReply, entry: ShownEntry, ifNoneMatch?: string): ShownEntry | undefined {
  void reply.headers({ etag: entityTag(entry.version), 'cache-control': 'no-cache' });
  if (!isKnown(ifNoneMatch, entry.version)) return entry;
  void reply.status(304);
  return undefined;
}

/** Replies to a creation with the entry, its entity tag and its location. */
export function answerCreated(reply: FastifyReply, collection: string, entry: ShownEntry): ShownEntry {
  void reply.headers({ etag: entityTag(entry.version), location: `/admin/v1/${collection}/${entry.slug}` });
  return entry;
}
