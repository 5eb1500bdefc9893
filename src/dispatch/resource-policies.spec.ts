/** A resource is read without arguments: what policies say of them is decided, and never left to a call that has none. */
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
  ['allowed with an argument only', policy({ effect: 'allow', when: 'args.amount <= 10' }), false],
  ['denied by what holds without', policy({ when: 'args.x == 1 || true' }), false],
  ['denied with an argument that it cannot have', policy({ when: 'has(args.x) && args.x == 1' }), true],
])('a resource that is %s is listed and read, or neither', async (_what, only, isThere) => {
  world = await DispatchWorld.open([remoteServer('a')], { policies: [only] });
  world.connector.respond = ({ request: { method } }) =>
    result(method === 'resources/read' ? { contents: [] } : { resources: [{ uri: 'file:///x', name: 'x' }] });
  const at = { endpoint: 'a', caller: callerOf('ada') };
  const listed = await world.request('resources/list', {}, at);
  expect(JSON.stringify(listed).includes('file:///x')).toBe(isThere);
  const read = await world.request('resources/read', { uri: 'file:///x' }, at);
  expect(read.kind).toBe(isThere ? 'result' : 'error');
});
