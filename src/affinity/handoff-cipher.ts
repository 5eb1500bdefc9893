import { TextCipher } from '#lib/sealing';
import { readHandoffPayload, type HandoffPayload } from './handoff-payload.js';

/**
 * Encrypts handoff payloads. They contain session ids of upstream servers, and anyone who can read Redis could use
 * those. Only the receiving worker can decrypt its payload (invariant 5).
 */
export class HandoffCipher {
  private readonly seal: TextCipher;

  constructor(secret: Buffer) {
    this.seal = new TextCipher(secret, 'affinity handoff 1');
  }

  /** `receiver`: id of the worker that may decrypt the payload. */
  encrypt(payload: HandoffPayload, receiver: string): string {
    return this.seal.encrypt(JSON.stringify(payload), receiver);
  }

  /** Returns undefined for anything that was not encrypted for this receiver. */
  decrypt(encrypted: unknown, receiver: string): HandoffPayload | undefined {
    const json = this.seal.decrypt(encrypted, receiver);
    return json === undefined ? undefined : readHandoffPayload(JSON.parse(json));
  }
}
