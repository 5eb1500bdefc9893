import { describe, expect, it } from '@jest/globals';
import { GatewayError } from '#lib/extension-kit';
import { result } from '#lib/mcp-protocol';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  MODERN_CLIENT,
  remoteServer,
} from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { ServerDefinition } from '../registry/index.js';
import type { ConnectionEvents, UpstreamConnection } from '../upstream/index.js';
import { Placement } from './placement.js';
import { limits } from './connections-fixture.js';
import { createSession } from '../session-pool/testing.js';
import type { Sharing, ConnectionScope } from './sharing.js';
import { UpstreamPool } from './upstream-pool.js';

/** Everything that can live elsewhere does so at one other worker, or at none. */
class Elsewhere extends Placement {
  worker: string | undefined = 'other';
  readonly gone = new Set<string>();
  readonly opened: { readonly worker: string; readonly key: string; readonly events: ConnectionEvents }[] = [];
  readonly connector = new FakeConnector();
  private readonly listeners = new Set<() => void>();

  override ownerOf(): string | undefined {
    return this.worker;
  }

  override async open(
    worker: string,
    server: ServerDefinition,
    face: ConnectionScope,
    { key }: Sharing,
    events: ConnectionEvents,
  ): Promise<UpstreamConnection> {
    if (this.gone.has(worker)) {
      throw new GatewayError(-31001, 'nobody there', 503, { outcome: 'not_executed', retriable: true });
    }
    this.opened.push({ worker, key, events });
    return this.connector.open(server, face.client, events);
  }

  override isDead(worker: string): boolean {
    return this.gone.has(worker);
  }

  override onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  lose(worker: string): void {
    this.gone.add(worker);
    for (const listener of this.listeners) listener();
  }
}

function world(servers: readonly ServerDefinition[], settings = {}) {
  const connector = new FakeConnector();
  const placement = new Elsewhere();
  const pool = new UpstreamPool(connector, limits(settings), new FakeRegistry(servers), placement);
  return { connector, placement, pool };
}

const face = (subject: string): ConnectionScope => ({
  caller: { ...callerOf(subject), anonymous: subject === 'anonymous' },
  client: MODERN_CLIENT,
  session: undefined,
});

const ofSession = (subject: string): ConnectionScope => {
  const { caller } = face(subject);
  return { caller, client: LEGACY_CLIENT, session: createSession({ caller }) };
};

const remote = remoteServer('a');
const child = childServer('a');

describe('what lives at one worker for all of them', () => {
  const cases: [string, ServerDefinition, 'legacy' | 'modern', ConnectionScope, boolean][] = [
    ['a legacy child process of a principal', child, 'legacy', ofSession('me'), true],
    ['a legacy session for clients without one', remote, 'legacy', face('me'), true],
    ['a shared child process', childServer('a', { shared: true }), 'legacy', ofSession('anonymous'), true],
    ["a session's own connection: no", remote, 'legacy', ofSession('me'), false],
    ["an anonymous session's own child process: no", child, 'legacy', ofSession('anonymous'), false],
    ['what an anonymous client needs once: no', remote, 'legacy', face('anonymous'), false],
    ['a modern server: no', remote, 'modern', face('me'), false],
    ['a modern child process: yes, for what it asked only it can go on with', child, 'modern', face('me'), true],
  ];

  it.each(cases)('%s', async (_name, server, era, who, expected) => {
    const { connector, placement, pool } = world([server]);
    connector.eras.set('a', era);
    await pool.use(server, who, async () => undefined);
    // Of what era a child process is may be learned by the first opening; the second one is then for it.
    expect([placement.opened.length > 0, connector.opened.length]).toEqual(expected ? [true, 0] : [false, 1]);
  });

  it('is had here by the worker that it is placed at', async () => {
    const { connector, placement, pool } = world([child]);
    placement.worker = undefined;
    await pool.use(child, face('me'), async () => undefined);
    expect([placement.opened.length, connector.opened.length]).toEqual([0, 1]);
  });
});

describe('a part in a connection of another worker', () => {
  it('is taken once, counts as no process of ours, and is given back when nobody needs it', async () => {
    const { placement, pool } = world([child], { maxChildProcesses: 1, upstreamIdleMs: 1_000 });
    placement.connector.respond = () => result({ served: true });
    for (const subject of ['a', 'a', 'b', 'c']) {
      await pool.use(child, face(subject), async ({ profile }) => expect(profile.era).toBe('legacy'));
    }
    expect(placement.opened.map(({ worker }) => worker)).toEqual(['other', 'other', 'other']);
    pool.evictIdle(Date.now() + 2_000);
    expect(placement.connector.opened.every(({ closedByUs }) => closedByUs)).toBe(true);
  });

  it('carries what the server says by itself to the sessions of its principal', async () => {
    const { placement, pool } = world([child]);
    const one = ofSession('me');
    const sink = new RecordingSink();
    one.session?.openStandingStream(sink);
    await pool.use(child, one, async () => undefined);
    placement.connector.opened[0]?.say({ method: 'notifications/message', params: { level: 'info', data: 1 } });
    expect(sink.summary).toEqual(['opened', 'notifications/message']);
  });

  it('is opened here where the other worker is out of reach, and stays', async () => {
    const { connector, placement, pool } = world([child]);
    placement.gone.add('other');
    await pool.use(child, face('me'), async () => undefined);
    placement.worker = 'third';
    await pool.use(child, face('me'), async () => undefined);
    expect([connector.opened.length, placement.opened]).toEqual([1, []]);
    placement.lose('other');
    expect(connector.opened[0]?.closed).toBe(false);
  });

  it('ends with that worker, and whoever holds it is told', async () => {
    const { placement, pool } = world([child]);
    const told: string[] = [];
    const held = await pool.hold(child, face('me'));
    held.onClosed(() => told.push('closed'));
    placement.lose('stranger');
    expect(told).toEqual([]);
    placement.worker = undefined;
    placement.lose('other');
    expect(told).toEqual(['closed']);
    held.release();
    expect(placement.connector.live).toEqual([]);
  });

  it('is no longer used once that worker is gone; what lives here stays', async () => {
    const { connector, placement, pool } = world([child, remoteServer('b')]);
    await pool.use(child, face('me'), async () => undefined);
    placement.worker = undefined;
    await pool.use(child, face('me'), async () => undefined);
    expect(connector.opened).toHaveLength(0);
    placement.lose('other');
    await pool.use(child, face('me'), async () => undefined);
    placement.worker = 'third';
    placement.lose('fourth');
    await pool.use(child, face('me'), async () => undefined);
    expect([connector.live.length, placement.opened.length]).toEqual([1, 1]);
  });
});

describe('a connection that another worker asks for', () => {
  it('is opened here, whatever placement says, and is the one of all', async () => {
    const { connector, placement, pool } = world([child]);
    const held = await pool.hold(child, face('me'), { forceLocal: true });
    await pool.use(child, face('me'), async () => undefined);
    expect([connector.opened.length, placement.opened.length]).toEqual([1, 0]);
    held.release();
  });

  it('is never a part in the connection of a third one', async () => {
    const { connector, placement, pool } = world([child]);
    await pool.use(child, face('me'), async () => undefined);
    (await pool.hold(child, face('me'), { forceLocal: true })).release();
    await pool.use(child, face('me'), async () => undefined);
    expect([connector.live.length, placement.connector.live.length]).toEqual([1, 0]);
  });
});
