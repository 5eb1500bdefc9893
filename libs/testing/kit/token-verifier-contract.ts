import assert from 'node:assert/strict';
import type { TokenVerifier } from '#lib/extension-kit';
import type { ContractCheck } from './contract.js';

/** The tokens with which a verifier is checked. */
export interface TokenVerifierCases {
  /** A token that it must accept, at the time of the check. */
  validToken(): string | Promise<string>;
  /** Tokens that it must refuse, by a description: expired, of another issuer, with an altered signature, … */
  readonly invalidTokens: Readonly<Record<string, InvalidToken>>;
}

type InvalidToken = string | (() => string | Promise<string>);

const GARBAGE = { empty: '', 'no token': 'x', 'three parts': 'a.b.c', 'very long': 'y'.repeat(100_000) };

/** What the gateway relies on in a `TokenVerifier`. `verifier` returns the one that is checked. */
export function tokenVerifierContract(
  verifier: () => TokenVerifier,
  { validToken, invalidTokens }: TokenVerifierCases,
): readonly ContractCheck[] {
  const refusals = Object.entries<InvalidToken>({ ...invalidTokens, ...GARBAGE }).map(([description, token]) => ({
    name: `refuses a token that is ${description}, without repeating it`,
    run: async () => isRefused(verifier(), typeof token === 'string' ? token : await token()),
  }));
  return [
    { name: 'accepts a valid token and says whose it is', run: async () => isVerified(verifier(), await validToken()) },
    {
      name: 'refuses a valid token whose signature was altered',
      run: async () => isRefused(verifier(), altered(await validToken())),
    },
    ...refusals,
  ];
}

async function isVerified(verifier: TokenVerifier, token: string): Promise<void> {
  const { principal, roles, teams, scopes, expiresAtMs, claims } = await verifier.verify(token);
  assert.ok(principal.issuer !== '' && principal.subject !== '', 'The principal has no issuer or no subject.');
  for (const [name, list] of Object.entries({ roles, teams, scopes }))
    assert.ok(Array.isArray(list) && list.every((each) => typeof each === 'string'), `${name} is no list of texts.`);
  assert.ok(expiresAtMs > Date.now(), 'expiresAtMs is not in the future, in milliseconds since the Unix epoch.');
  assert.equal(typeof claims, 'object');
}

async function isRefused(verifier: TokenVerifier, token: string): Promise<void> {
  const fault: unknown = await verifier.verify(token).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  assert.ok(fault !== undefined, 'The token was accepted.');
  assert.ok(fault instanceof Error, 'The rejection is no Error.');
  if (token.length > 3) assert.ok(!fault.message.includes(token), 'The message contains the token.');
}

/** Signatures ignore the unused bits of their last character, so one in the middle of the last part is altered. */
function altered(token: string): string {
  const index = Math.floor((token.lastIndexOf('.') + 1 + token.length) / 2);
  return token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1);
}
