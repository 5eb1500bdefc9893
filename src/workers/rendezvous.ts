import { createHash } from 'node:crypto';

/**
 * Ranks workers for a key by rendezvous hashing (highest random weight, Thaler and Ravishankar 1998). Every worker that
 * knows the same set computes the same order, and when one dies, only its own keys move.
 */
export function rankByRendezvous(key: string, workers: readonly string[]): string[] {
  const weighted = workers.map((worker) => ({ worker, weight: computeWeight(worker, key) }));
  return weighted.toSorted((one, other) => Buffer.compare(other.weight, one.weight)).map(({ worker }) => worker);
}

const computeWeight = (worker: string, key: string): Buffer => createHash('sha256').update(`${worker} ${key}`).digest();
