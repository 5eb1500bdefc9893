import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { RegistryWorld } from './registry-fixture.js';

const REMOTE = { transport: 'http', url: 'http://remote/mcp' };
const NO_SERVER = 'No server has this name.';
const NO_TEAM = 'No team has this name. Declare it in the section teams, without members if only tokens name it.';

/** A file whose policy, limit, server and virtual server refer to a server and a team of these names. */
const fileWith = (server: string, team: string, more: object = {}) =>
  JSON.stringify({
    servers: { owned: { ...REMOTE, team } },
    virtualServers: { office: { servers: ['owned'], team } },
    policies: { access: { effect: 'allow', servers: ['owned', server], teams: [team] } },
    limits: { usage: { servers: [server], rate: '5/s' } },
    ...more,
  });
const FAULTS = [
  `servers.owned.team: ${NO_TEAM}`,
  `virtualServers.office.team: ${NO_TEAM}`,
  `policies.access.servers[1]: ${NO_SERVER}`,
  `policies.access.teams[0]: ${NO_TEAM}`,
  `limits.usage.servers[0]: ${NO_SERVER}`,
];

describe.each(DATABASE_KINDS)('references to servers and teams, over $name,', ({ start }) => {
  let host: DatabaseHost;
  let world: RegistryWorld;

  beforeAll(async () => {
    host = await start();
  });

  beforeEach(async () => {
    world = await RegistryWorld.create(host);
  });

  afterEach(() => world.close());
  afterAll(() => host.stop());

  it('that exist nowhere are faults of a file at the first start and at a reload, each with its path', async () => {
    const refusal = await world.open({ text: fileWith('wether', 'finanse') }).catch((fault: unknown) => String(fault));
    for (const fault of FAULTS) expect(refusal).toContain(fault);
    const { registry, reloadWith } = await world.open({ text: '{}' });
    const before = registry.snapshot;
    expect(await reloadWith(fileWith('wether', 'finanse'))).toBe('refused');
    for (const fault of FAULTS) expect(world.logged.join('\n')).toContain(fault);
    expect(registry.snapshot).toBe(before);
  });

  it('suggest the name that was probably meant, and are checked after variables were replaced', async () => {
    const teams = { teams: { finance: {} } };
    const text = fileWith('owned', '${TEAM}', teams);
    const variables = { TEAM: 'finanse' };
    const refusal = await world.open({ text, variables }).catch((fault: unknown) => String(fault));
    expect(refusal).toContain('policies.access.teams[0]: No team has this name. Did you mean');
    await expect(world.open({ text, variables: { TEAM: 'finance' } })).resolves.toBeDefined();
  });

  it('may be patterns that match nothing', async () => {
    const policies = { none: { effect: 'deny', servers: ['absent-*'] } };
    await expect(world.open({ text: JSON.stringify({ policies }) })).resolves.toBeDefined();
  });

  it('may name in a file what the admin API created, and prevent no start after its deletion', async () => {
    const { store, reloadWith } = await world.open({ text: '{}' });
    await store.servers.create('weather', REMOTE);
    const finance = await store.teams.create('finance', {});
    const text = fileWith('weather', 'finance');
    expect(await reloadWith(text)).toBe('applied');
    await store.teams.delete('finance', finance.version);
    const restarted = await world.open({ text });
    expect((await restarted.store.policies.find('access'))?.warnings).toEqual([{ path: 'teams[0]', message: NO_TEAM }]);
    expect(restarted.file.warnings).toEqual([]);
  });

  it('are no faults but warnings of entries that the admin API creates and changes', async () => {
    const { store } = await world.open({ text: '{}' });
    const source = { effect: 'deny', servers: ['weather', 'absent-*'], teams: ['finance'] };
    const created = await store.policies.create('access', source);
    const warnings = [
      { path: 'servers[0]', message: NO_SERVER },
      { path: 'teams[0]', message: NO_TEAM },
    ];
    expect(created).toMatchObject({ warnings, faults: [], definition: { servers: ['weather', 'absent-*'] } });
    await store.teams.create('finance', {});
    expect((await store.policies.find('access'))?.warnings).toEqual(warnings.slice(0, 1));
    const replaced = await store.policies.replace('access', { effect: 'deny', teams: ['finance'] }, created.version);
    expect(replaced.warnings).toEqual([]);
  });

  it('are warnings of an import, and of the entries that remain when an import deletes what they name', async () => {
    const { store } = await world.open({ text: '{}' });
    await store.servers.create('weather', REMOTE);
    await store.limits.create('usage', { servers: ['weather'], rate: '5/s' });
    expect((await store.limits.find('usage'))?.warnings).toEqual([]);
    const limit = { section: 'limits' as const, slug: 'usage', source: { servers: ['weather'], rate: '5/s' } };
    const { deleted, warnings } = await store.apply([limit], { replace: true, dryRun: false });
    expect(deleted).toEqual(['servers.weather']);
    expect(warnings).toEqual([{ path: 'limits.usage.servers[0]', message: NO_SERVER }]);
    expect((await store.limits.find('usage'))?.warnings).toEqual([{ path: 'servers[0]', message: NO_SERVER }]);
  });
});
