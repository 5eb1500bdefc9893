import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { loadConfig } from '#lib/config';
import {
  VendorMethodHandler,
  type HandledMethodOptions,
  type JsonObject,
  type VendorRequest,
} from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf, LEGACY_CLIENT, settled } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import { ExtensionFailures, ExtensionsConfig, type Contributions } from '../extensions/index.js';
import { ContributedMethods } from './contributed-methods.js';
import type { Inbound } from './inbound.js';

const inbound = {
  caller: callerOf('ada'),
  endpoint: { id: 'default' },
  client: LEGACY_CLIENT,
  requestId: 7,
  request: { method: 'acme/quota', params: {} },
  clientRepeatsCall: false,
} as unknown as Inbound;

beforeEach(() => Logger.overrideLogger(false));
afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

/** The handler of `acme/quota`, while the setting is 70 ms. */
function world(handle: VendorMethodHandler['handle'], options: HandledMethodOptions = {}) {
  class Quota extends VendorMethodHandler {
    override handle = handle;
  }
  const contribution = {
    instance: new Quota(),
    options: { ...options, method: 'acme/quota' },
    name: 'Quota',
    module: 'Acme',
  };
  const clock = new ManualClock();
  const contributions = { of: () => [contribution] } as unknown as Contributions;
  const [config] = loadConfig([ExtensionsConfig], { ISTHMUS_EXTENSION_DEADLINE_MS: '70' });
  const methods = new ContributedMethods(contributions, new ExtensionFailures(clock), config, clock);
  methods.onModuleInit();
  const answer = async () =>
    methods.find('acme/quota')?.handle(inbound, new RecordingSink(), new AbortController().signal);
  return { clock, answer };
}

describe('a handler of a method', () => {
  it.each<[string, HandledMethodOptions, number]>([
    ['that states no deadline has the time of ISTHMUS_EXTENSION_DEADLINE_MS', {}, 70],
    ['that states a deadline has its own time', { deadlineMs: 90 }, 90],
  ])('%s, and its signal aborts', async (_what, options, deadlineMs) => {
    let received: VendorRequest | undefined;
    const { clock, answer } = world((request) => {
      received = request;
      return new Promise<JsonObject>(() => undefined);
    }, options);
    const answered = answer();
    await settled();
    await clock.advance(deadlineMs - 1);
    expect(received?.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(await answered).toMatchObject({ error: { code: -32_603, data: { outcome: 'unknown' } } });
    expect(received?.signal.aborted).toBe(true);
  });

  it('leaves no timer when it answers in time', async () => {
    const { clock, answer } = world(() => ({ left: 7 }));
    expect(await answer()).toMatchObject({ result: { left: 7 } });
    expect(clock.pending).toBe(0);
  });
});
