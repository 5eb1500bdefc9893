import { createHash } from 'node:crypto';

/**
 * Workers in the order in which they are to have what the key names. Whoever knows the same workers says the same; when
 * one of them goes, only what it had moves (highest random weight hashing, Thaler and Ravishankar 1998).
 */
export function rankByRendezvous(key: string, workers: readonly string[]): string[] {
  const weighed = workers.map((worker) => ({ worker, weight: computeWeight(worker, key) }));
  return weighed.toSorted((one, other) => Buffer.compare(other.weight, one.weight)).map(({ worker }) => worker);
}

const computeWeight = (worker: string, key: string): Buffer => createHash('sha256').update(`${worker} ${key}`).digest();
