import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SystemClock } from '#lib/extension-kit';
import { tokenVerifierContract } from '#lib/testing/kit';
import { DataFolder } from '../data-folder/index.js';
import { AuthConfig } from './auth.config.js';
import { PassportTokenVerifier } from './passport-token-verifier.js';
import { TokenIssuer } from './token-issuer.js';

describe('PassportTokenVerifier keeps the contract of a token verifier', () => {
  const clock = new SystemClock();
  const config = new AuthConfig();
  let path: string;
  let verifier: PassportTokenVerifier;
  let issue: (order?: { expiresInSeconds?: number; audience?: string }) => Promise<string>;

  beforeAll(async () => {
    path = await mkdtemp(join(tmpdir(), 'isthmus-verifier-'));
    const folder = await DataFolder.open(path);
    const issuer = new TokenIssuer(folder, config, clock);
    verifier = new PassportTokenVerifier(config, folder, clock);
    issue = (order) => issuer.issue({ subject: 'ada', expiresInSeconds: 60, ...order });
  });
  afterAll(() => rm(path, { recursive: true, force: true }));

  const cases = {
    validToken: () => issue(),
    invalidTokens: {
      expired: () => issue({ expiresInSeconds: -3_600 }),
      'for another audience': () => issue({ audience: 'https://elsewhere.example.com' }),
    },
  };
  it.each(tokenVerifierContract(() => verifier, cases))('$name', async ({ run }) => {
    await expect(Promise.try(run)).resolves.toBeUndefined();
  });
});
