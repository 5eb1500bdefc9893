/** `resources/read` has no arguments, so a policy condition on `args` is decided when resources are listed. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { result } from '#lib/mcp-protocol';
import type { PolicyDefinition } from '../registry/index.js';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { callerOf, remoteServer } from '../../test/support/fake-upstream.js';

let world: DispatchWorld;

beforeEach(() => Logger.overrideLogger(false));
afterEach(() => world.close());

const policy = (more: Partial<PolicyDefinition>): PolicyDefinition => ({ slug: 'p', effect: 'deny', ...more });

it.each<[string, PolicyDefinition, boolean]>([
  ['allowed only for an argument', policy({ effect: 'allow', when: 'args.amount <= 10' }), false],
  ['denied by a condition that holds without arguments', policy({ when: 'args.x == 1 || true' }), false],
  ['denied only for an argument that a read never has', policy({ when: 'has(args.x) && args.x == 1' }), true],
])('lists a resource that is %s exactly when it can be read', async (_what, only, isVisible) => {
  world = await DispatchWorld.open([remoteServer('a')], { policies: [only] });
  world.connector.respond = ({ request: { method } }) =>
    result(method === 'resources/read' ? { contents: [] } : { resources: [{ uri: 'file:///x', name: 'x' }] });
  const at = { endpoint: 'a', caller: callerOf('ada') };
  const listed = await world.request('resources/list', {}, at);
  expect(JSON.stringify(listed).includes('file:///x')).toBe(isVisible);
  const read = await world.request('resources/read', { uri: 'file:///x' }, at);
  expect(read.kind).toBe(isVisible ? 'result' : 'error');
});
