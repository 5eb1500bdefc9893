import { expect, it } from '@jest/globals';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import { createSession } from '../session-pool/testing.js';
import { limits } from './connections-fixture.js';
import type { ConnectionScope } from './sharing.js';
import { UpstreamPool } from './upstream-pool.js';

const inSession = (endpoint: string): ConnectionScope => {
  const session = createSession({ endpoint });
  return { caller: session.caller, client: LEGACY_CLIENT, session };
};

it('serves legacy sessions at the endpoint of a server of both eras in their era, and all others in the modern one', async () => {
  const server = remoteServer('a');
  const connector = new FakeConnector();
  connector.bothEras.add('a');
  const pool = new UpstreamPool(connector, limits(), new FakeRegistry([server]), new SystemClock());
  const alone = { caller: callerOf('other'), client: LEGACY_CLIENT, session: undefined };
  const eras: string[] = [];
  for (const scope of [inSession('a'), inSession('a'), inSession('default'), alone])
    await pool.use(server, scope, async ({ profile }) => void eras.push(profile.era));
  expect(eras).toEqual(['legacy', 'legacy', 'modern', 'modern']);
  expect(connector.opened).toHaveLength(3);
  await pool.close();
});
