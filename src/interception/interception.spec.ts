import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { InterceptorOptions } from '#lib/extension-kit';
import { loadConfig } from '#lib/config';
import { result } from '#lib/mcp-protocol';
import { settled } from '../../test/support/fake-upstream.js';
import { ApprovalsConfig } from '../approvals/index.js';
import type { Readmission } from '../dispatch/index.js';
import { ExtensionsConfig } from '../extensions/index.js';
import { SessionPoolConfig } from '../session-pool/index.js';
import { CallInterceptors } from './call-interceptors.js';
import { interceptorOf, InterceptionWorld } from './interception-fixture.js';
import { Interception } from './interception.js';

beforeEach(() => Logger.overrideLogger(false));
afterEach(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

it.each<[string, InterceptorOptions, number]>([
  ['that states no deadline has the time of ISTHMUS_EXTENSION_DEADLINE_MS', {}, 70],
  ['that states a deadline has its own time', { deadlineMs: 90 }, 90],
])('an interceptor %s', async (_what, options, deadlineMs) => {
  const world = new InterceptionWorld();
  const { clock, control } = world;
  const interceptors = new CallInterceptors();
  interceptors.add(interceptorOf(() => new Promise(() => undefined), options));
  const [config] = loadConfig([ExtensionsConfig], { ISTHMUS_EXTENSION_DEADLINE_MS: '70' });
  const interception = new Interception(
    interceptors,
    readmission,
    clock,
    config,
    world.approvals,
    new SessionPoolConfig(),
    new ApprovalsConfig(),
  );
  const executed = {
    ...world.executedWith({}),
    endpoint: 'default',
    signal: control.signal,
    begun: 'not_executed',
  } as const;
  let hasEnded = false;
  const run = interception.find(executed.call)!(executed, async () => result({})).finally(() => (hasEnded = true));
  await settled();
  await clock.advance(deadlineMs - 1);
  await settled();
  expect(hasEnded).toBe(false);
  await clock.advance(1);
  expect(await run).toMatchObject({ error: { code: -32_603, data: { outcome: 'not_executed' } } });
});

const readmission = {
  describe: () => ({ server: { slug: 'bank' }, kind: 'tools', name: 'pay' }),
  definitionOf: () => undefined,
} as unknown as Readmission;
