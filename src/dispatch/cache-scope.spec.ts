import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ANONYMOUS, type Caller } from '#lib/extension-kit';
import { result } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { callerOf, LEGACY_CLIENT, remoteServer } from '../../test/support/fake-upstream.js';
import type { RegistrySnapshot } from '../registry/index.js';

const PUBLIC = { ttlMs: 60_000, cacheScope: 'public' };
const [a, b] = [remoteServer('a', { public: true }), remoteServer('b', { public: true })];
const OPEN = { defaultEndpoint: { public: true } };

const worlds: DispatchWorld[] = [];

/** Modern servers that mark every result as public. */
async function world(servers = [a, b], more: Partial<RegistrySnapshot> = OPEN) {
  const made = await DispatchWorld.open(servers, more);
  worlds.push(made);
  for (const { slug } of servers) made.connector.eras.set(slug, 'modern');
  made.connector.respond = ({ request: { method } }) => {
    if (method === 'resources/read') return result({ contents: [], ...PUBLIC });
    return result(method === 'tools/list' ? { tools: [{ name: 'x' }], ...PUBLIC } : PUBLIC);
  };
  const scopeOf = async (method: string, endpoint: string, caller: Caller, params = {}) => {
    const outcome = await made.request(method, params, { endpoint, caller });
    return outcome.kind === 'result' ? outcome.result['cacheScope'] : outcome.error;
  };
  /** The cache scopes of an aggregated list, a transparent list, a resource at both endpoints, and a discovery. */
  const scopes = (caller: Caller) =>
    Promise.all([
      scopeOf('tools/list', 'default', caller),
      scopeOf('tools/list', 'a', caller),
      scopeOf('resources/read', 'a', caller, { uri: 'file:///x' }),
      scopeOf('resources/read', 'default', caller, { uri: 'a+file:///x' }),
      scopeOf('server/discover', 'a', caller),
    ]);
  return { made, scopes, scopeOf };
}

const ALL_PUBLIC = ['public', 'public', 'public', 'public', 'public'];
const ALL_PRIVATE = ['private', 'private', 'private', 'private', 'private'];
const ada = (more: Partial<Caller> = {}): Caller => ({ ...callerOf('ada'), ...more });

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
});

describe('the cache scope of a result that the server marks as public', () => {
  it('stays public at an unrestricted endpoint', async () => {
    const { scopes } = await world();
    expect(await scopes(ANONYMOUS)).toEqual(ALL_PUBLIC);
    expect(await scopes(ada())).toEqual(ALL_PUBLIC);
  });

  it('becomes private where a token is required, because tokens can be limited to some servers', async () => {
    const { scopes } = await world([remoteServer('a'), remoteServer('b')], {});
    expect(await scopes(ada())).toEqual(ALL_PRIVATE);
  });

  it.each<[string, Partial<RegistrySnapshot>]>([
    ['tool', { policies: [{ slug: 'p', effect: 'deny', roles: ['intern'], tools: ['x'] }] }],
    ['server', { policies: [{ slug: 'p', effect: 'deny', roles: ['intern'] }] }],
    ['call', { policies: [{ slug: 'p', effect: 'deny', tools: ['x'], when: 'args.n > 1' }] }],
  ])('becomes private for every caller where a policy denies a %s to some callers', async (_what, more) => {
    const { scopes } = await world([a, b], { ...OPEN, ...more });
    expect(await scopes(ada({ roles: ['admin'] }))).toEqual(ALL_PRIVATE);
  });

  it('becomes private where any server of the endpoint belongs to a team', async () => {
    const { made, scopeOf } = await world([a, remoteServer('b', { public: true, team: 'finance' })]);
    const admin = ada({ roles: ['admin'] });
    expect(await scopeOf('tools/list', 'default', admin)).toBe('private');
    expect(await scopeOf('tools/list', 'b', admin)).toBe('private');
    expect(await scopeOf('tools/list', 'a', admin)).toBe('public');
    expect(made.requestsTo('b').length).toBeGreaterThan(0);
  });

  it('becomes private for a caller that cannot see another server of the endpoint', async () => {
    const { scopeOf } = await world([a, remoteServer('b', { public: true, team: 'finance' })]);
    expect(await scopeOf('tools/list', 'default', ada())).toBe('private');
    expect(await scopeOf('tools/list', 'default', ada({ servers: ['a'], roles: ['admin'] }))).toBe('private');
  });

  it('becomes private for a token that is limited to some servers of the endpoint', async () => {
    const { scopes } = await world();
    expect(await scopes(ada({ servers: ['a'] }))).toEqual(['private', 'public', 'public', 'private', 'public']);
  });

  it('becomes private at an endpoint that belongs to a team', async () => {
    const desk = { slug: 'desk', public: true, team: 'finance', servers: ['a'] };
    const { scopeOf } = await world([a, b], {
      ...OPEN,
      virtualServers: [desk, { ...desk, slug: 'all', team: undefined }] as never,
    });
    const member = ada({ teams: ['finance'] });
    expect(await scopeOf('tools/list', 'desk', member)).toBe('private');
    expect(await scopeOf('tools/list', 'all', member)).toBe('public');
  });

  it('becomes public again after the last restricting policy is removed', async () => {
    const { made, scopes } = await world([a, b], { ...OPEN, policies: [{ slug: 'p', effect: 'deny', tools: ['x'] }] });
    expect(await scopes(ada())).toEqual(ALL_PRIVATE);
    made.registry.configure([a, b], { policies: [] });
    expect(await scopes(ada())).toEqual(ALL_PUBLIC);
  });

  it('is not added to results for legacy clients', async () => {
    const { made } = await world([remoteServer('a')], {});
    made.connector.respond = () => result({ contents: [] });
    const asking = { endpoint: 'a', client: LEGACY_CLIENT };
    expect(await made.request('resources/read', { uri: 'file:///x' }, asking)).toEqual({
      ...result({ contents: [] }),
      serverEra: 'modern',
    });
  });
});
