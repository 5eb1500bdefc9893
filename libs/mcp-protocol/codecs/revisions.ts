import type { Era } from '../neutral.js';

/** Revisions with a handshake, newest first. */
export const LEGACY_REVISIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
export const LATEST_LEGACY_REVISION = '2025-11-25';

/** Revisions that carry everything in each request, newest first. */
export const MODERN_REVISIONS: readonly string[] = ['2026-07-28'];
export const LATEST_MODERN_REVISION = '2026-07-28';

/** All supported revisions, newest first: listed in the error for a client that requests another one. */
export const SUPPORTED_REVISIONS: readonly string[] = [...MODERN_REVISIONS, ...LEGACY_REVISIONS];

/** The revision whose remote transport is HTTP+SSE. */
export const SSE_REVISION = '2024-11-05';

/** First revisions with a kind of content block (their schemas, ContentBlock). */
export const AUDIO_SINCE = '2025-03-26';
export const RESOURCE_LINK_SINCE = '2025-06-18';

const BATCH_REVISION = '2025-03-26';
const FIRST_MODERN_YEAR = '2026';
const REVISION_SHAPE = /^\d{4}-\d{2}-\d{2}$/;

const ERAS = new Map<string, Era>([
  ...LEGACY_REVISIONS.map((revision) => [revision, 'legacy'] as const),
  ...MODERN_REVISIONS.map((revision) => [revision, 'modern'] as const),
]);

/** Returns the era of a supported revision; undefined for every other text. */
export function eraOfRevision(revision: string): Era | undefined {
  return ERAS.get(revision);
}

/** True for the date of a modern revision, supported or not. */
export function isModernRevision(revision: string): boolean {
  const era = ERAS.get(revision);
  return era === undefined ? revision >= FIRST_MODERN_YEAR && REVISION_SHAPE.test(revision) : era === 'modern';
}

/** True for the only revision with JSON-RPC batches (specification 2025-03-26: basic/index, Batching). */
export function allowsBatches(revision: string): boolean {
  return revision === BATCH_REVISION;
}

/** Names the revision that a client requested and those that it may request. */
export function toUnsupportedRevisionText(requested: string): string {
  const shown = JSON.stringify(requested.slice(0, 64).toWellFormed());
  return `Unsupported protocol version ${shown}. Supported: ${SUPPORTED_REVISIONS.join(', ')}.`;
}
