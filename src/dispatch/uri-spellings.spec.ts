/** A resource that an endpoint, a policy or an admin withholds is withheld under every spelling of its URI. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ANONYMOUS } from '#lib/extension-kit';
import { result, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { RecordingSink } from '../../test/support/recording-sink.js';
import type { RegistrySnapshot } from '../registry/index.js';

let world: DispatchWorld;

beforeEach(() => Logger.overrideLogger(false));
afterEach(() => world.close());

const SECRET = 'file:///secret/plan.txt';
const NORMALIZED = [
  'FILE:///secret/plan.txt',
  'file:/secret/plan.txt',
  'file:secret/plan.txt',
  'file://localhost/secret/plan.txt',
  'file:\\\\\\secret\\plan.txt',
  'file:///%73ecret/plan.txt',
  'file:///secret%2Fplan.txt',
  'file:///secret%2fplan.txt',
  'file:////secret//plan.txt',
];
const MALFORMED = [
  'file:///public/../secret/plan.txt',
  'file:///public/%2e%2E/secret/plan.txt',
  'file:///public/.%2e/secret/plan.txt',
  'file:///public%2F..%2Fsecret/plan.txt',
  'file:///public\\..\\secret/plan.txt',
  'file:///./secret/plan.txt',
  ' file:///secret/plan.txt',
  'file:///secret/plan.txt ',
  '\ufefffile:///secret/plan.txt',
  'fi\tle:///secret/plan.txt',
  'file:///sec\nret/plan.txt',
  'file:///secret/plan.txt\0',
  'file:///secret/plan.txt%00',
];

const anonymous = { caller: ANONYMOUS, endpoint: 'lobby' };
const lobby = { slug: 'lobby', public: true, servers: ['files'], resources: ['files+file:///public/*'] };
const openLobby = { slug: 'lobby', public: true, servers: ['files'] };

async function open(more: Partial<RegistrySnapshot>) {
  world = await DispatchWorld.open([remoteServer('files')], more);
  world.connector.respond = () => result({ contents: [] });
}

const codeOf = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error.code : 0);
const read = (uri: string) => world.request('resources/read', { uri }, anonymous);
const complete = (uri: string) =>
  world.request(
    'completion/complete',
    { ref: { type: 'ref/resource', uri }, argument: { name: 'a', value: '' } },
    anonymous,
  );
const sentUris = () => world.requestsTo('files').map(([, params]) => params['uri']);

describe.each<[string, Partial<RegistrySnapshot>]>([
  ['that the virtual server does not select', { virtualServers: [lobby] }],
  [
    'that a policy denies',
    {
      virtualServers: [openLobby],
      policies: [{ slug: 'no', effect: 'deny', resources: ['file:///secret/*'] }],
    },
  ],
  [
    'that a policy allows to other callers only',
    {
      virtualServers: [openLobby],
      policies: [{ slug: 'few', effect: 'allow', roles: ['few'], resources: ['file:///secret/*'] }],
    },
  ],
])('a resource %s', (_why, more) => {
  it.each([SECRET, ...NORMALIZED])(
    'cannot be read, completed, subscribed to or listened to as %j',
    async (spelling) => {
      await open(more);
      const uri = `files+${spelling}`;
      expect(codeOf(await read(uri))).not.toBe(0);
      expect(codeOf(await complete(uri))).not.toBe(0);
      const session = world.session('lobby');
      expect(codeOf(await world.request('resources/subscribe', { uri }, { ...anonymous, session }))).not.toBe(0);
      expect(await acknowledged([uri])).toEqual({});
      expect(world.connector.opened).toEqual([]);
    },
  );

  it.each(MALFORMED)('is refused with -32602 as %j', async (spelling) => {
    await open(more);
    const uri = `files+${spelling}`;
    const refusal = await read(uri);
    expect(refusal).toMatchObject({ error: { code: -32_602, message: expect.stringMatching(/\. .+\.$/) } });
    const session = world.session('lobby');
    for (const method of ['resources/subscribe', 'resources/unsubscribe'])
      expect(codeOf(await world.request(method, { uri }, { ...anonymous, session }))).toBe(-32_602);
    const params = { notifications: { resourceSubscriptions: [uri] } };
    expect(codeOf(await world.request('subscriptions/listen', params, anonymous))).toBe(-32_602);
    expect(codeOf(await complete(uri))).toBe(-32_602);
    expect(world.connector.opened).toEqual([]);
  });
});

async function acknowledged(resourceSubscriptions: string[]): Promise<unknown> {
  const sink = new RecordingSink();
  const leaving = new AbortController();
  const params = { notifications: { resourceSubscriptions } };
  const outcome = world.request('subscriptions/listen', params, { ...anonymous, sink, signal: leaving.signal });
  await Promise.race([outcome, sink.until(({ events }) => events.length > 0)]);
  leaving.abort();
  await outcome;
  const [event] = sink.events;
  return event?.kind === 'notification' ? event.notification.params['notifications'] : undefined;
}

describe('the URI of a resource', () => {
  it.each([
    ['FILE:///public/a', 'file:///public/a'],
    ['file:/public/a', 'file:///public/a'],
    ['file://localhost/public/a', 'file:///public/a'],
  ])('reaches the server in its canonical form: %j as %j', async (spelling, canonical) => {
    await open({ virtualServers: [openLobby] });
    expect(codeOf(await read(`files+${spelling}`))).toBe(0);
    expect(sentUris()).toEqual([canonical]);
  });

  it.each([
    ['FILE:///public/{name}', 'file:///public/{name}'],
    ['file:/public/{+path}.txt', 'file:///public/{+path}.txt'],
    ['notes://Inbox/{id}', 'notes://Inbox/{id}'],
  ])('of a completed template reaches the server in its canonical form: %j as %j', async (spelling, canonical) => {
    await open({ virtualServers: [openLobby] });
    world.connector.respond = () => result({ completion: { values: [] } });
    expect(codeOf(await complete(`files+${spelling}`))).toBe(0);
    const sent = world.requestsTo('files').map(([, { ref }]) => ref);
    expect(sent).toEqual([{ type: 'ref/resource', uri: canonical }]);
  });

  it.each([
    ['FILE:///public/a', 'files+file:///public/a'],
    ['file:/public/a', 'files+file:///public/a'],
  ])('is listened to in its canonical form: %j as %j', async (spelling) => {
    await open({ virtualServers: [openLobby] });
    expect(await acknowledged([`files+${spelling}`])).toEqual({ resourceSubscriptions: [`files+${spelling}`] });
    const subscribed = world.connector.opened.flatMap(({ sent }) => sent.map(({ request }) => request.params['uri']));
    expect(subscribed.filter((uri) => uri !== undefined && uri !== 'file:///public/a')).toEqual([]);
  });

  it.each([
    'https://example.com',
    'file:///public/a b.txt',
    'file:///public/données.txt',
    'notes://Inbox/a%2Fb',
    'Notes://Inbox',
    'urn:isbn:0451450523',
    'not a URI',
    'screen',
    'db://user@host:5432/t?q=a/../b',
  ])('reaches the server unchanged where a server may list it so: %j', async (uri) => {
    await open({ virtualServers: [openLobby] });
    expect(codeOf(await read(`files+${uri}`))).toBe(0);
    expect(sentUris()).toEqual([uri]);
  });

  it('is read by its listed spelling where a policy allows it in this or another spelling', async () => {
    const resources = ['file:///public/a b.txt', 'https://example.com', 'notes://x/a%20b'];
    await open({
      virtualServers: [openLobby],
      policies: [
        { slug: 'admins', effect: 'allow', roles: ['admin'] },
        { slug: 'these', effect: 'allow', resources },
      ],
    });
    for (const uri of [...resources, 'file:///public/a%20b.txt', 'https://example.com/'])
      expect(codeOf(await read(`files+${uri}`))).toBe(0);
    expect(codeOf(await read('files+file:///public/b.txt'))).not.toBe(0);
  });
});
