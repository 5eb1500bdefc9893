import { Seal } from '#lib/sealing';
import { readHandoffPayload, type HandoffPayload } from './handoff-payload.js';

/**
 * Closes what a worker gives to another one with a session: ids of sessions at servers are in it, and whoever listens at
 * Redis could go on with them. Only the worker that it is for can open it.
 */
export class HandoffCipher {
  private readonly seal: Seal;

  constructor(secret: Buffer) {
    this.seal = new Seal(secret, 'affinity heritage 1');
  }

  /** `heir`: incarnation of the worker that it is for. */
  encrypt(heritage: HandoffPayload, heir: string): string {
    return this.seal.encrypt(JSON.stringify(heritage), heir);
  }

  /** Undefined for anything that was not closed for this very heir. */
  decrypt(closed: unknown, heir: string): HandoffPayload | undefined {
    const json = this.seal.decrypt(closed, heir);
    return json === undefined ? undefined : readHandoffPayload(JSON.parse(json));
  }
}
