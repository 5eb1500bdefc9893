import { describe, expect, it } from '@jest/globals';
import { endpointsOf } from '../../test/support/endpoints.js';
import { callerOf, FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';

const files = remoteServer('files', { title: 'Files', public: true });
const mail = remoteServer('mail');
const off = remoteServer('off', { enabled: false });

const registry = () =>
  new FakeRegistry([files, mail, off], {
    defaultEndpoint: { public: false, instructions: 'Be kind.' },
    virtualServers: [
      { slug: 'desk', title: 'Desk', instructions: 'Tidy up.', public: false, servers: ['mail', 'off', 'files'] },
      { slug: 'reading', public: true, servers: ['files'], tools: ['files__read*', 'files__stat'], prompts: [] },
    ],
  });

describe('EndpointDirectory.find', () => {
  it('returns a default endpoint over every enabled server in configuration order', () => {
    const endpoint = endpointsOf(registry()).find();
    expect(endpoint).toMatchObject({ id: 'default', transparent: false, public: false, instructions: 'Be kind.' });
    expect(endpoint?.servers).toEqual([files, mail]);
    expect(endpointsOf(registry()).find('default')).toEqual(expect.objectContaining({ id: 'default' }));
  });

  it('returns a transparent endpoint for each enabled server', () => {
    const directory = endpointsOf(registry());
    expect(directory.find('files')).toMatchObject({ id: 'files', transparent: true, public: true, title: 'Files' });
    expect(directory.find('mail')).not.toHaveProperty('title');
    expect(directory.find('off')).toBeUndefined();
  });

  it('returns a virtual server over its enabled servers in its own order', () => {
    const desk = endpointsOf(registry()).find('desk');
    expect(desk).toMatchObject({ id: 'desk', transparent: false, title: 'Desk', instructions: 'Tidy up.' });
    expect(desk?.servers).toEqual([mail, files]);
  });

  it('adds the servers that a virtual server selects by tag after those that it names', () => {
    const [red, blue, both] = [['red'], ['blue'], ['red', 'blue']].map((tags, index) =>
      remoteServer(`s${index}`, { tags }),
    );
    const desk = { slug: 'desk', public: false, servers: ['s1'], tags: ['red', 'none'] };
    const configuration = new FakeRegistry([red!, blue!, both!], { virtualServers: [desk] });
    expect(endpointsOf(configuration).find('desk')?.servers).toEqual([blue, red, both]);
  });

  it.each(['', 'nowhere', '__proto__', 'constructor', 'FILES'])('returns undefined for the unknown slug %j', (slug) => {
    expect(endpointsOf(registry()).find(slug)).toBeUndefined();
  });

  it('returns the same object until the configuration changes', () => {
    const configuration = registry();
    const directory = endpointsOf(configuration);
    const before = directory.find('files');
    expect(directory.find('files')).toBe(before);
    configuration.configure([mail]);
    expect(directory.find('files')).toBeUndefined();
    expect(directory.find()?.servers).toEqual([mail]);
  });
});

describe('EndpointDirectory.watch', () => {
  const watchedEndpoint = () => {
    const configuration = registry();
    const calls: (string[] | undefined)[] = [];
    const directory = endpointsOf(configuration);
    directory.watch(
      'reading',
      { caller: callerOf('me') },
      (now) => void calls.push(now?.servers.map(({ slug }) => slug)),
    );
    const [, reading] = configuration.snapshot.virtualServers;
    if (!reading) throw new Error('The virtual server is missing.');
    const choose = (more: object, servers = [files, mail, off]) =>
      configuration.configure(servers, { virtualServers: [{ ...reading, ...more }] });
    return { calls, choose };
  };

  it('notifies the listener when the servers or the selection of the endpoint change', () => {
    const { calls, choose } = watchedEndpoint();
    choose({ servers: ['files', 'mail'] });
    choose({ servers: ['files', 'mail'], tools: ['files__*'] });
    choose({ servers: ['files', 'mail'], tools: ['files__*'], prompts: undefined });
    expect(calls).toEqual([
      ['files', 'mail'],
      ['files', 'mail'],
      ['files', 'mail'],
    ]);
  });

  it('does not notify the listener when another server or only the title changes', () => {
    const { calls, choose } = watchedEndpoint();
    choose({}, [files, remoteServer('mail', { title: 'New' }), off]);
    choose({ title: 'Reading' });
    expect(calls).toEqual([]);
  });
});

describe('the endpoint of a caller that was authenticated before its teams changed', () => {
  const guarded = remoteServer('guarded', { team: 'ops' });
  const ops = { slug: 'ops', members: ['me'], roles: [] };

  it('contains the servers of its teams at this moment', () => {
    const configuration = new FakeRegistry([files, guarded]);
    const directory = endpointsOf(configuration);
    const me = callerOf('me');
    const seen = () => directory.findFor(me)?.servers.map(({ slug }) => slug);
    expect(seen()).toEqual(['files']);
    configuration.configure([files, guarded], { teams: [ops] });
    expect(seen()).toEqual(['files', 'guarded']);
    configuration.configure([files, guarded], { teams: [] });
    expect(seen()).toEqual(['files']);
  });

  it('is reported to its watchers when its teams or the caller change, and only then', () => {
    const deny = { slug: 'p', effect: 'deny', servers: ['files'], tools: ['x'], teams: ['ops'] } as const;
    const configuration = new FakeRegistry([files, mail], { policies: [deny], teams: [{ ...ops, members: ['you'] }] });
    const { policies } = configuration.snapshot;
    const directory = endpointsOf(configuration);
    const viewer = { caller: { ...callerOf('me'), scopes: ['a'], teams: ['ops'] } };
    const changes: string[] = [];
    const watch = directory.watch('default', viewer, (_now, change) => void changes.push(change));
    configuration.configure([files, mail], { policies, teams: [{ ...ops, members: ['you', 'they'] }] });
    viewer.caller = { ...viewer.caller };
    watch.check();
    expect(changes).toEqual([]);
    viewer.caller = { ...viewer.caller, scopes: [] };
    watch.check();
    configuration.configure([files, mail], { policies, teams: [{ slug: 'more', members: ['me'], roles: [] }] });
    expect(changes).toEqual(['caller', 'caller']);
    watch.stop();
    configuration.configure([files]);
    expect(changes).toHaveLength(2);
  });
});

describe('the selection of a virtual server', () => {
  it('contains the items that match its patterns, all items of a kind without patterns, and none for an empty pattern list', () => {
    const reading = endpointsOf(registry()).find('reading');
    const shown = (kind: 'tools' | 'prompts', ...names: string[]) =>
      names.filter((name) => reading?.shows({ server: files, kind, name }));
    expect(shown('tools', 'read', 'read_all', 'stat', 'status', 'write')).toEqual(['read', 'read_all', 'stat']);
    expect(shown('prompts', 'ask')).toEqual([]);
    expect(reading?.shows({ server: files, kind: 'resources', name: 'file:///a' })).toBe(true);
  });

  it('compares patterns with the name that clients see, not with the own name of a renamed tool', () => {
    const reading = endpointsOf(registry()).find('reading');
    const shows = (name: string, shownName: string) =>
      reading?.shows({ server: files, kind: 'tools', name, shownName });
    expect([shows('write', 'read_new'), shows('read', 'write')]).toEqual([true, false]);
  });
});
