import { Seal } from '#lib/sealing';
import { readHeritage, type Heritage } from './heritage.js';

/**
 * Encrypts handoff payloads. They contain session ids of upstream servers, and anyone who can read Redis could use
 * those. Only the receiving worker can decrypt its payload (invariant 6).
 */
export class HeritageSeal {
  private readonly seal: Seal;

  constructor(secret: Buffer) {
    this.seal = new Seal(secret, 'affinity heritage 1');
  }

  /** `receiver`: id of the worker that may decrypt the payload. */
  close(payload: Heritage, receiver: string): string {
    return this.seal.close(JSON.stringify(payload), receiver);
  }

  /** Returns undefined for anything that was not encrypted for this receiver. */
  open(encrypted: unknown, receiver: string): Heritage | undefined {
    const json = this.seal.open(encrypted, receiver);
    return json === undefined ? undefined : readHeritage(JSON.parse(json));
  }
}
