import type { RequestId } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import type { ExecutedCall } from '../calls/index.js';

/** Clients commonly give up after a minute without progress, in milliseconds. */
const INTERVAL_MS = 10_000;
const MESSAGE = 'The call waits for the approval of an admin.';

/**
 * Reports that a call still waits, to a client that has asked for progress. Returns a function that ends the reports. Progress must
 * increase (specification: basic/utilities/progress); it stays below zero, from where that of the server follows.
 */
export function reportWaiting({ call, notify }: ExecutedCall, leftMs: () => number, clock: Clock): () => void {
  const { progressToken } = call.request;
  if (!notify || progressToken === undefined) return () => undefined;
  const report = () => notify(toProgress(progressToken, leftMs()));
  report();
  return clock.every(INTERVAL_MS, report);
}

const toProgress = (progressToken: RequestId, leftMs: number) => ({
  method: 'notifications/progress',
  params: { progressToken, progress: -Math.max(1, Math.ceil(leftMs / 1_000)), message: MESSAGE },
});
