import type { FastifyReply } from 'fastify';
import { entityTag, isKnown } from '../entity-tags.js';
import type { ShownEntry } from './entries.js';

/** Answers with an entry and its entity tag, or with 304 and nothing when the client has it already. */
export function answer(reply: FastifyReply, shown: ShownEntry, known?: string): ShownEntry | undefined {
  void reply.headers({ etag: entityTag(shown.version), 'cache-control': 'no-cache' });
  if (!isKnown(known, shown.version)) return shown;
  void reply.status(304);
  return undefined;
}

/** Answers a creation: 201 and where to find what was created. */
export function answerCreated(reply: FastifyReply, collection: string, shown: ShownEntry): ShownEntry {
  void reply.headers({ etag: entityTag(shown.version), location: `/admin/v1/${collection}/${shown.slug}` });
  return shown;
}
