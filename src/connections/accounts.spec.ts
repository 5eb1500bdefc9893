import { beforeEach, describe, expect, it } from '@jest/globals';
import { UpstreamCredentials, type Credentials, type CredentialsRequest } from '#lib/extension-kit';
import { SystemClock } from '#lib/time';
import {
  callerOf,
  childServer,
  FakeConnector,
  FakeRegistry,
  LEGACY_CLIENT,
  MODERN_CLIENT,
  remoteServer,
  settled,
} from '../../test/support/fake-upstream.js';
import type { ServerDefinition } from '../registry/index.js';
import { createSession, sessionStart } from '../session-pool/testing.js';
import { Session } from '../session-pool/index.js';
import { CredentialSource } from '../upstream/index.js';
import { limits } from './connections-fixture.js';
import type { ConnectionScope } from './sharing.js';
import { UpstreamPool } from './upstream-pool.js';

const MODERN = { ...remoteServer('modern'), isolation: 'none' as const };
const CHILD = { ...childServer('child'), isolation: 'none' as const };
const LEGACY = remoteServer('legacy');
const SERVERS = [MODERN, CHILD, LEGACY];

/** One account for each team, which callers state as their role. */
class TeamCredentials extends UpstreamCredentials {
  fault: Error | undefined;
  identityFault: Error | undefined;
  readonly asked: string[] = [];
  override identityOf({ caller }: Required<CredentialsRequest>): string {
    if (this.identityFault) throw this.identityFault;
    return caller.roles.join(' ');
  }
  override async credentialsFor({ caller }: CredentialsRequest): Promise<Credentials> {
    if (this.fault) throw this.fault;
    this.asked.push(caller?.key ?? 'the gateway');
    return { headers: { 'x-team': caller?.roles.join(' ') ?? '' } };
  }
}

function poolWith(strategy: UpstreamCredentials) {
  const connector = new FakeConnector();
  connector.eras.set('modern', 'modern');
  const headers: unknown[] = [];
  connector.beforeOpening = async (_server, { credentials }) => void headers.push(credentials?.addTo([])[1]);
  const source = new CredentialSource(strategy);
  const registry = new FakeRegistry(SERVERS);
  const pool = new UpstreamPool(connector, limits(), registry, new SystemClock(), undefined, undefined, source);
  return { connector, pool, headers };
}

const of = (subject: string, team: string) => ({ ...callerOf(subject), roles: team === '' ? [] : [team] });
const scopeOf = (subject: string, team: string, client = MODERN_CLIENT): ConnectionScope => ({
  caller: of(subject, team),
  client,
  session: undefined,
});

describe('callers with different accounts at a server', () => {
  let strategy: TeamCredentials;
  let worker: ReturnType<typeof poolWith>;
  beforeEach(() => {
    strategy = new TeamCredentials();
    worker = poolWith(strategy);
  });
  const use = (server: ServerDefinition, scope: ConnectionScope) =>
    worker.pool.use(server, scope, async (connection) => connection);

  it.each([
    ['a modern server', MODERN],
    ['one process for all', CHILD],
  ])('never share the connection to %s, although its entry isolates nobody', async (_, server) => {
    const connections = [
      await use(server, scopeOf('ada', 'red')),
      await use(server, scopeOf('bob', 'blue')),
      await use(server, scopeOf('eve', 'red')),
      await use(server, scopeOf('ada', 'blue')),
    ];
    const [red, blue] = connections;
    expect(connections).toEqual([red, blue, red, blue]);
    expect(red).not.toBe(blue);
    expect(worker.headers).toEqual(['red', 'blue']);
  });

  it('share it with the others whose credentials do not depend on the caller', async () => {
    const [one, other] = [await use(MODERN, scopeOf('ada', '')), await use(MODERN, scopeOf('bob', ''))];
    expect(one).toBe(other);
  });

  it('never share a subscription or a cached list', async () => {
    const keys = await Promise.all(
      [scopeOf('ada', 'red'), scopeOf('bob', 'blue'), scopeOf('eve', 'red')].map((scope) =>
        worker.pool.sharingKeyOf(MODERN, scope),
      ),
    );
    expect([keys[0] === keys[2], keys[0] === keys[1]]).toEqual([true, false]);
    expect(worker.pool.hasCommonCredentials(MODERN, of('ada', 'red'))).toBe(false);
    expect(worker.pool.hasCommonCredentials(MODERN, of('ada', ''))).toBe(true);
  });

  it('never see what the server tells another account about itself', async () => {
    worker.connector.capabilities.set('modern', { tools: {}, prompts: {} });
    await use(MODERN, scopeOf('ada', 'red'));
    worker.connector.capabilities.set('modern', { tools: {} });
    const profile = await worker.pool.profileOf(MODERN, scopeOf('bob', 'blue'));
    expect(profile.capabilities).toEqual({ tools: {} });
  });

  it('cannot be confused by a subject that looks like the key of another connection', async () => {
    const account = worker.pool.accountOf(LEGACY, of('ada', 'red'));
    const [one, other] = await Promise.all([
      worker.pool.sharingKeyOf(LEGACY, scopeOf('ada', 'red')),
      worker.pool.sharingKeyOf(LEGACY, scopeOf(`x as ${account} ada`, '')),
    ]);
    expect(one).not.toBe(other);
  });

  it('use the connection of a session with the credentials of the latest caller', async () => {
    const session = createSession({ caller: of('ada', 'red') });
    const scope = { caller: of('ada', 'red'), client: LEGACY_CLIENT, session };
    const red = await use(LEGACY, scope);
    const blue = await use(LEGACY, { ...scope, caller: of('ada', 'blue') });
    expect(blue).not.toBe(red);
    session.end();
    expect(worker.connector.live).toEqual([]);
  });

  it('get no connection while the strategy fails, and one afterwards', async () => {
    strategy.fault = new Error('secret of ada');
    const failed: unknown = await use(MODERN, scopeOf('ada', 'red')).catch((cause: unknown) => cause);
    expect(failed).toMatchObject({ data: { outcome: 'not_executed', server: 'modern' } });
    expect(String(failed)).toMatch(/TeamCredentials failed/);
    expect(String(failed)).not.toContain('secret');
    expect(worker.connector.opened).toEqual([]);
    strategy.fault = undefined;
    expect(await use(MODERN, scopeOf('ada', 'red'))).toMatchObject({ closed: false });
  });

  it('are asked for when a connection is opened, and not for each call', async () => {
    await use(MODERN, scopeOf('ada', 'red'));
    const { length } = strategy.asked;
    for (let count = 0; count < 5; count += 1) await use(MODERN, scopeOf('ada', 'red'));
    expect(strategy.asked).toHaveLength(length);
  });
});

describe('the upstream session of a session that moves while the strategy of the new owner fails', () => {
  async function handOffTo(strategy: TeamCredentials) {
    const [from, to] = [poolWith(new TeamCredentials()), poolWith(strategy)];
    const caller = of('ada', 'red');
    const session = createSession({ caller });
    await from.pool.use(LEGACY, { caller, client: LEGACY_CLIENT, session }, async () => undefined);
    const restored = new Session(sessionStart({ ...session.start }), limits(), new SystemClock());
    const ended: string[] = [];
    to.pool.endedSessions.listen(({ transport, revision }) => ended.push(`${transport} ${revision}`));
    to.pool.restore(restored, from.pool.releaseForHandoff(session) ?? []);
    const use = () =>
      to.pool.use(LEGACY, { caller, client: LEGACY_CLIENT, session: restored }, async ({ closed }) => closed);
    return { to, session: restored, ended, use };
  }
  const failing = (member: 'fault' | 'identityFault') =>
    Object.assign(new TeamCredentials(), { [member]: new Error('the vault is down') });

  it.each(['fault', 'identityFault'] as const)('is continued by the first call after its %s', async (member) => {
    const strategy = failing(member);
    const { to, session, ended, use } = await handOffTo(strategy);
    await expect(use()).rejects.toMatchObject({ data: { outcome: 'not_executed' } });
    strategy[member] = undefined;
    expect(await use()).toBe(false);
    expect([to.connector.adopted.length, to.connector.opened.length, ended]).toEqual([1, 1, []]);
    session.end();
    expect([to.connector.opened[0]?.closedByUs, ended]).toEqual([true, ['http legacy']]);
  });

  it.each(['fault', 'identityFault'] as const)('moves on with the next handoff, in spite of its %s', async (member) => {
    const { to, session, ended } = await handOffTo(failing(member));
    await settled();
    expect(to.pool.releaseForHandoff(session)).toMatchObject([{ server: 'legacy' }]);
    session.end();
    expect([to.connector.adopted, ended]).toEqual([[], []]);
  });

  it('moves on with a handoff that comes before the strategy has answered', async () => {
    const strategy = new TeamCredentials();
    const { to, session } = await handOffTo(strategy);
    expect(to.pool.releaseForHandoff(session)).toMatchObject([{ server: 'legacy' }]);
    await settled();
    expect(to.connector.adopted).toEqual([]);
  });

  it.each(['fault', 'identityFault'] as const)(
    'is reported as ended with its session, if its %s lasts',
    async (member) => {
      const { session, ended } = await handOffTo(failing(member));
      await settled();
      session.end();
      await settled();
      expect(ended).toEqual(['http legacy']);
    },
  );

  it('is closed with its session, if the strategy works again', async () => {
    const strategy = failing('fault');
    const { to, session, ended } = await handOffTo(strategy);
    await settled();
    strategy.fault = undefined;
    session.end();
    await settled();
    expect([to.connector.opened[0]?.closedByUs, ended]).toEqual([true, ['http legacy']]);
  });
});

describe('the upstream session of a session that moves to another worker', () => {
  async function handOff(account: string, callerThere: ReturnType<typeof of>) {
    const [from, to] = [poolWith(new TeamCredentials()), poolWith(new TeamCredentials())];
    const session = createSession({ caller: of('ada', account) });
    await from.pool.use(LEGACY, { caller: of('ada', account), client: LEGACY_CLIENT, session }, async () => undefined);
    const states = from.pool.releaseForHandoff(session) ?? [];
    const restored = new Session(sessionStart({ ...session.start, caller: callerThere }), limits(), new SystemClock());
    to.pool.restore(restored, JSON.parse(JSON.stringify(states)) as typeof states);
    const scope = { caller: callerThere, client: LEGACY_CLIENT, session: restored };
    await to.pool.use(LEGACY, scope, async () => undefined);
    return { states, to };
  }

  it('continues with the credentials of its account', async () => {
    const { states, to } = await handOff('red', of('ada', 'red'));
    expect(JSON.stringify(states)).not.toContain('red');
    expect([to.connector.adopted.length, to.headers]).toEqual([1, []]);
  });

  it('is not continued with the credentials of another account', async () => {
    const { to } = await handOff('red', of('ada', 'blue'));
    expect([to.connector.adopted.length, to.headers]).toEqual([0, ['blue']]);
  });
});
