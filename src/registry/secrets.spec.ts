import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DATABASE_KINDS, type DatabaseHost } from '../../test/support/databases.js';
import { EntryInvalid } from './index.js';
import { EntryInUse } from './registry.errors.js';
import { RegistryWorld, waitForSnapshot } from './registry-fixture.js';

const ORIGIN = 'https://api.example';
const remote = (more: object = {}) => ({
  transport: 'http',
  url: `${ORIGIN}/mcp?key=\${secret:weather}`,
  headers: { Authorization: 'Bearer ${secret:weather}' },
  ...more,
});
const FILE = `
secrets: { filed: { value: "\${TOKEN}" } }
servers: { one: { transport: http, url: "http://one/", headers: { A: "\${secret:filed} $\${secret:filed}" } } }
`;

describe.each(DATABASE_KINDS)('named secrets over $name', ({ start }) => {
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

  const open = (text = FILE) => world.open({ text, variables: { TOKEN: 'of-the-file' } });
  const faultOf = (change: Promise<unknown>) => change.catch((reason: unknown) => reason);

  it('are inserted into servers of the file and of the admin API, and a new value reaches every worker', async () => {
    const { store, registry } = await open();
    const other = await open();
    expect(registry.snapshot.servers[0]).toMatchObject({ headers: { A: 'of-the-file ${secret:filed}' } });
    const secret = await store.secrets.create('weather', { value: 'a b&c', origins: [ORIGIN] });
    await store.servers.create('mine', remote());
    expect(registry.find('mine')).toMatchObject({
      url: `${ORIGIN}/mcp?key=a%20b%26c`,
      headers: { Authorization: 'Bearer a b&c' },
    });
    await store.secrets.replace('weather', { value: 'new', origins: [ORIGIN] }, secret.version);
    expect(registry.find('mine')).toMatchObject({ headers: { Authorization: 'Bearer new' } });
    await other.registry.refresh();
    expect(other.registry.find('mine')).toMatchObject({ headers: { Authorization: 'Bearer new' } });
  });

  it('are never stored in clear, and neither are the credentials of tools and of the query of a URL', async () => {
    const { store } = await open();
    await store.secrets.create('weather', { value: 's3cr3t-named', origins: ['*'] });
    const tool = {
      path: '/x',
      headers: { A: 's3cr3t-header' },
      query: { q: 's3cr3t-query' },
      body: { b: ['s3cr3t-body'] },
      method: 'POST',
    };
    await store.servers.create('mine', { transport: 'rest', url: `${ORIGIN}?key=s3cr3t-url`, tools: { get: tool } });
    const stored = JSON.stringify(await world.runSql('select * from registry_entries'));
    expect(stored).not.toMatch(/s3cr3t|of-the-file/);
    expect((await store.servers.find('mine'))?.source).toMatchObject({ tools: { get: tool } });
  });

  it('are shown with what uses them, and cannot be deleted meanwhile', async () => {
    const { store } = await open();
    const { version } = await store.secrets.create('weather', { value: 'v', origins: [ORIGIN] });
    const server = await store.servers.create('mine', remote());
    expect(await store.secrets.find('weather')).toMatchObject({ usedBy: ['server mine'] });
    const fault = await faultOf(store.secrets.delete('weather', version));
    expect(fault).toBeInstanceOf(EntryInUse);
    expect(String(fault)).toMatch(/"weather" is used by server mine\. Remove it there first\./);
    await store.servers.delete('mine', server.version);
    await store.secrets.delete('weather', version);
    expect(await store.secrets.find('weather')).toBeUndefined();
  });

  it.each([
    ['an unknown secret', remote({ headers: { A: '${secret:other}' } }), /headers\.A: No secret is named "other"/],
    [
      'a member that is no credential',
      remote({ title: '${secret:weather}' }),
      /title: A secret can be used only in headers/,
    ],
    ['the path of a URL', { transport: 'http', url: `${ORIGIN}/\${secret:weather}` }, /url: A secret can be used only/],
    [
      'a server at another origin',
      { ...remote(), url: 'https://evil.example/?k=${secret:weather}' },
      /must not be sent to this server/,
    ],
    [
      'a program',
      { transport: 'stdio', command: 'x', env: { A: '${secret:weather}' } },
      /must not be sent to this server/,
    ],
    ['a malformed reference', remote({ headers: { A: '${secret:Weather!}' } }), /must have the form \$\{secret:name\}/],
  ])('are refused in %s', async (_name, source, message) => {
    const { store } = await open();
    await store.secrets.create('weather', { value: 's3cr3t', origins: [ORIGIN] });
    const fault = await faultOf(store.servers.create('mine', source));
    expect(fault).toBeInstanceOf(EntryInvalid);
    expect(String(fault)).toMatch(message);
    expect(String(fault)).not.toContain('s3cr3t');
  });

  it('are refused in a tool when their value would be read as an argument', async () => {
    const { store } = await open();
    await store.secrets.create('weather', { value: 'a{b}', origins: ['*'] });
    const source = {
      transport: 'rest',
      url: ORIGIN,
      tools: { get: { path: '/x', query: { q: '${secret:weather}' } } },
    };
    expect(String(await faultOf(store.servers.create('mine', source)))).toMatch(/contains a brace/);
  });

  it('of the file cannot be removed while a server of the admin API uses them, and must exist', async () => {
    const worker = await open(FILE.replace('"${TOKEN}"', `"\${TOKEN}", origins: ["${ORIGIN}"]`));
    await worker.store.servers.create('mine', remote({ url: ORIGIN, headers: { A: '${secret:filed}' } }));
    expect(await worker.reloadWith('servers: {}')).toBe('refused');
    expect(world.logged.join('\n')).toMatch(/secrets\.filed: The secret cannot be removed: mine/);
    const text = 'servers: { one: { transport: http, url: "http://one/", headers: { A: "${secret:none}" } } }';
    expect(await worker.reloadWith(text)).toBe('refused');
    expect(world.logged.join('\n')).toMatch(/servers\.one: No secret is named "none"/);
  });

  it('and credentials that an earlier version stored in clear are encrypted by the next start', async () => {
    const worker = await open();
    const source = {
      transport: 'rest',
      url: `${ORIGIN}/?k=s3cr3t`,
      tools: { get: { path: '/x', query: { q: 's3cr3t' } } },
    };
    await worker.store.servers.create('mine', source);
    const entry = JSON.stringify(source);
    await world.runSql(`update registry_entries set entry = '${entry}', sealed = null where slug = 'mine'`);
    const later = await open();
    expect(JSON.stringify(await world.runSql('select * from registry_entries'))).not.toContain('s3cr3t');
    await waitForSnapshot(later.registry, ({ servers }) => servers.some(({ slug }) => slug === 'mine'));
    expect(later.registry.find('mine')).toMatchObject({ url: `${ORIGIN}/?k=s3cr3t` });
  });
});
