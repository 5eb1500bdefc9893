import { expect, it } from '@jest/globals';
import { toLoginFailure } from './login-failure.js';

it('a failure to read an answer of the provider shows nothing of the answer', () => {
  for (const text of ['CANARY=1', '{"access_token":"CANARY"', '{"access_token":CANARY}', '{"a":"CANARY"}CANARY']) {
    try {
      JSON.parse(text);
    } catch (cause) {
      const wrapped = new Error('failed to parse "response" body as JSON', { cause });
      for (const fault of [cause, wrapped]) expect(JSON.stringify(toLoginFailure(fault))).not.toMatch(/CAN|_token/);
      expect(toLoginFailure(wrapped).detail).toMatch(/^failed to parse "response" body as JSON/);
    }
  }
});
