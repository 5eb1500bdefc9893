import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf } from '../../test/support/fake-upstream.js';
import { RequestStates, type RequestState, type StateBinding } from './request-states.js';

const secret = randomBytes(32);
const clock = new ManualClock();
const states = new RequestStates(secret, clock);
const PARKED: RequestState = { kind: 'parked', worker: 'a worker', call: 'a call' };
const HOUR_MS = 3_600_000;

const bindingOf = (more: Partial<StateBinding> = {}): StateBinding => ({
  caller: callerOf('me'),
  endpoint: 'default',
  request: { method: 'tools/call', params: { name: 'book', arguments: { to: 'Rome', on: 'Monday' } } },
  ...more,
});

const withParams = (params: StateBinding['request']['params']) =>
  bindingOf({ request: { method: 'tools/call', params } });

describe('RequestStates', () => {
  it('opens a request state on every worker for the same request of the same principal', () => {
    const text = states.mint(PARKED, bindingOf(), HOUR_MS);
    expect(new RequestStates(secret, clock).read(text, bindingOf())).toMatchObject({ state: PARKED, isExpired: false });
    const repeated = withParams({
      _meta: { 'vendor/x': 1 },
      arguments: { on: 'Monday', to: 'Rome' },
      inputResponses: { key: {} },
      name: 'book',
      requestState: text,
    });
    expect(states.read(text, repeated)).toMatchObject({ state: PARKED, isExpired: false });
  });

  it('hides the content of a request state', () => {
    const text = states.mint({ kind: 'server', state: 'the-servers-own' }, bindingOf(), HOUR_MS);
    expect(Buffer.from(text, 'base64url').toString('latin1')).not.toContain('the-servers-own');
  });

  it.each([
    ['another principal', bindingOf({ caller: callerOf('you') })],
    ['another issuer', bindingOf({ caller: { ...callerOf('me'), principal: { issuer: 'other', subject: 'me' } } })],
    ['a token for some servers', bindingOf({ caller: { ...callerOf('me'), servers: ['a'] } })],
    ['another endpoint', bindingOf({ endpoint: 'office' })],
    ['another method', bindingOf({ request: { ...bindingOf().request, method: 'prompts/get' } })],
    ['another tool', withParams({ name: 'cancel', arguments: { to: 'Rome', on: 'Monday' } })],
    ['other arguments', withParams({ name: 'book', arguments: { to: 'Oslo', on: 'Monday' } })],
    ['an argument more', withParams({ name: 'book', arguments: { to: 'Rome', on: 'Monday', at: 'noon' } })],
  ])('rejects a request state for %s', (_what, binding) => {
    expect(states.read(states.mint(PARKED, bindingOf(), HOUR_MS), binding)).toBeUndefined();
  });

  it('rejects a request state that was altered, forged or sealed with another secret', () => {
    const text = states.mint(PARKED, bindingOf(), HOUR_MS);
    const foreign = new RequestStates(randomBytes(32), clock).mint(PARKED, bindingOf(), HOUR_MS);
    const altered = text.slice(0, -2) + (text.endsWith('A') ? 'BB' : 'AA');
    for (const other of [altered, foreign, '', 'made up', 7, null, undefined, {}, `${text} `]) {
      expect(states.read(other, bindingOf())).toBeUndefined();
    }
  });

  it('marks a request state as expired after its lifetime', async () => {
    const text = states.mint(PARKED, bindingOf(), HOUR_MS);
    await clock.advance(HOUR_MS - 1);
    expect(states.read(text, bindingOf())).toMatchObject({ state: PARKED, isExpired: false });
    await clock.advance(1);
    expect(states.read(text, bindingOf())).toMatchObject({ state: PARKED, isExpired: true });
  });
});
