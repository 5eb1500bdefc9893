import { describe, it } from 'node:test';
import { SystemClock, TokenVerifier, type VerifiedToken } from 'isthmus/extension-kit';
import { tokenVerifierContract } from 'isthmus/testing';
import { BadgeVerifier } from '../src/badge-verifier.js';

class RefuseAll extends TokenVerifier {
  override verify = (): Promise<VerifiedToken> => Promise.reject(new Error('The token is not valid.'));
}

describe('BadgeVerifier', () => {
  const verifier = new BadgeVerifier(new RefuseAll(), new SystemClock());
  const cases = {
    validToken: () => 'acme-badge-7f3a91c2d4',
    invalidTokens: { 'of no employee': 'acme-badge-0000000000' },
  };
  for (const { name, run } of tokenVerifierContract(() => verifier, cases)) it(name, run);
});
