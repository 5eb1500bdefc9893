import { Seal } from '#lib/sealing';
import { readHeritage, type Heritage } from './heritage.js';

/**
 * Closes what a worker gives to another one with a session: ids of sessions at servers are in it, and whoever listens at
 * Redis could go on with them. Only the worker that it is for can open it.
 */
export class HeritageSeal {
  private readonly seal: Seal;

  constructor(secret: Buffer) {
    this.seal = new Seal(secret, 'affinity heritage 1');
  }

  /** `heir`: incarnation of the worker that it is for. */
  close(heritage: Heritage, heir: string): string {
    return this.seal.close(JSON.stringify(heritage), heir);
  }

  /** Undefined for anything that was not closed for this very heir. */
  open(closed: unknown, heir: string): Heritage | undefined {
    const json = this.seal.open(closed, heir);
    return json === undefined ? undefined : readHeritage(JSON.parse(json));
  }
}
