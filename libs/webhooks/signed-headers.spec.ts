import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { isWebhookSecret, signedHeaders } from './index.js';

const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;

describe('signedHeaders', () => {
  it('signs id, time and body as a receiver of Standard Webhooks verifies them', () => {
    const message = { id: 'm1', sentAtMs: Date.now(), body: '{"a":1}' };
    const headers = signedHeaders(SECRET, message);
    expect(new Webhook(SECRET).verify(message.body, headers)).toEqual({ a: 1 });
    expect(() => new Webhook(SECRET).verify('{"a":2}', headers)).toThrow();
  });
});

describe('isWebhookSecret', () => {
  it.each([
    [SECRET, true],
    [`whsec_${Buffer.alloc(24).toString('base64')}`, true],
    [`whsec_${Buffer.alloc(64).toString('base64')}`, true],
    [`whsec_${Buffer.alloc(23).toString('base64')}`, false],
    [SECRET.slice(6), false],
    [undefined, false],
  ])('of %j is %p', (text, isSecret) => expect(isWebhookSecret(text)).toBe(isSecret));
});
