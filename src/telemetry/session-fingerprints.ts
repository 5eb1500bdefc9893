import { hash } from 'node:crypto';

const LENGTH = 12;
/** Maximum number of remembered fingerprints. */
const MAX_REMEMBERED = 1_000;

/** Identifies a legacy session in records and events. It grants no access. */
export const fingerprintOf = (sessionId: string): string => hash('sha256', sessionId, 'base64url').slice(0, LENGTH);

/** Fingerprints of the ids of legacy sessions: equal for equal ids, and they grant no access. */
export class SessionFingerprints {
  /** Every request of a client repeats its session id, and hashing it costs more than the rest of the record. */
  private readonly remembered = new Map<string, string>();

  of(sessionId: string): string {
    return this.remembered.get(sessionId) ?? this.compute(sessionId);
  }

  private compute(sessionId: string): string {
    const fingerprint = fingerprintOf(sessionId);
    if (this.remembered.size >= MAX_REMEMBERED) this.remembered.clear();
    this.remembered.set(sessionId, fingerprint);
    return fingerprint;
  }
}
