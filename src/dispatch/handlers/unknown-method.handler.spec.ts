import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Caller } from '#lib/extension-kit';
import { result, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { callerOf, LEGACY_CLIENT, MODERN_CLIENT, remoteServer } from '../../../test/support/fake-upstream.js';
import { RecordingSink } from '../../../test/support/recording-sink.js';
import type { PolicyDefinition, RegistrySnapshot, RemoteServer } from '../../registry/index.js';

const worlds: DispatchWorld[] = [];

async function world(more: Partial<RegistrySnapshot> = {}, entry: Partial<RemoteServer> = {}) {
  const made = await DispatchWorld.open(
    [remoteServer('files', { allowUnknownMethods: true, tasks: true, ...entry })],
    more,
  );
  worlds.push(made);
  const send = (caller: Caller, method = 'acme/x') => made.request(method, { a: 1 }, { endpoint: 'files', caller });
  return { made, send };
}

const ada = (more: Partial<Caller> = {}): Caller => ({ ...callerOf('ada'), ...more });
const codeOf = (outcome: Outcome) => (outcome.kind === 'error' ? outcome.error.code : undefined);

const INTERNS: Pick<PolicyDefinition, 'slug' | 'effect' | 'roles'> = { slug: 'p', effect: 'deny', roles: ['intern'] };

beforeEach(() => {
  Logger.overrideLogger(false);
});

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
});

describe('an unknown method at a transparent endpoint', () => {
  it('is not found unless the entry of the server allows it', async () => {
    const { made, send } = await world({}, { allowUnknownMethods: false });
    expect(codeOf(await send(ada()))).toBe(-32601);
    expect(made.requestsTo('files')).toEqual([]);
  });

  it('may use tasks only if the entry of the server allows them', async () => {
    const { made, send } = await world({}, { tasks: false });
    for (const method of ['tasks/list', 'tasks/get', 'tasks/other'])
      expect(codeOf(await send(ada(), method))).toBe(-32601);
    expect(made.requestsTo('files')).toEqual([]);
  });

  it.each<[string, PolicyDefinition]>([
    ['a tool', { ...INTERNS, tools: ['delete_all'] }],
    ['a prompt', { ...INTERNS, prompts: ['send'] }],
    ['a resource', { ...INTERNS, resources: ['file:///secret*'] }],
    ['some calls', { ...INTERNS, when: 'args.n > 1' }],
  ])('is not found for a caller from whom a policy withholds %s of the server', async (_what, policy) => {
    const { made, send } = await world({ policies: [policy] });
    for (const method of ['acme/x', 'tasks/result', 'tasks/list'])
      expect(codeOf(await send(ada({ roles: ['intern'] }), method))).toBe(-32601);
    expect(made.requestsTo('files')).toEqual([]);
  });

  it('is passed through for a caller that no policy restricts', async () => {
    const { made, send } = await world({ policies: [{ ...INTERNS, tools: ['delete_all'] }] });
    expect(await send(ada())).toMatchObject({ kind: 'result' });
    expect(made.requestsTo('files')).toEqual([['acme/x', { a: 1 }]]);
  });

  it('counts as a call for a limit that is not restricted to tools', async () => {
    const rate = { calls: 1, withinMs: 60_000 };
    const { made, send } = await world({ limits: [{ slug: 'l', per: ['principal'], rate }] });
    expect(await send(ada())).toMatchObject({ kind: 'result' });
    expect(await send(ada())).toMatchObject({ error: { code: -31003, data: { outcome: 'not_executed' } } });
    expect(await send(callerOf('bob'))).toMatchObject({ kind: 'result' });
    expect(made.requestsTo('files')).toHaveLength(2);
  });

  it('does not count for a limit that is restricted to tools', async () => {
    const rate = { calls: 1, withinMs: 60_000 };
    const { send } = await world({ limits: [{ slug: 'l', per: ['principal'], tools: ['*'], rate }] });
    for (let count = 0; count < 3; count += 1) expect(await send(ada())).toMatchObject({ kind: 'result' });
  });
});

describe('a message of a server that the gateway does not know and that belongs to no call', () => {
  const CONFIRM = { method: 'acme/confirm', params: {} };
  const TOLD = { method: 'acme/told', params: {} };
  const DENIED = { policies: [{ ...INTERNS, tools: ['delete_all'] }] };

  /** What the client of a session receives, which answers every question. */
  async function receive(roles: readonly string[], entry: Partial<RemoteServer> = {}, endpoint = 'files') {
    const { made } = await world(DENIED, entry);
    const session = made.session(endpoint, LEGACY_CLIENT, 'ada');
    const sink = new RecordingSink();
    await session.openStream({
      emit: (event) => {
        if (event.kind === 'question') void session.answer(event.id, { result: { confirmed: true } });
        return sink.emit(event);
      },
      end: () => undefined,
    });
    const caller = ada({ roles });
    const name = endpoint === 'files' ? 'read' : 'files__read';
    await made.request('tools/call', { name }, { endpoint, caller, session });
    await made.locate(session, caller, endpoint);
    const connection = made.connector.opened.at(-1);
    connection?.emitNotification(TOLD);
    const answer = await connection?.ask(CONFIRM);
    return { answer, events: sink.summary };
  }

  it('reaches the session of a caller without restrictions', async () => {
    const { answer, events } = await receive([]);
    expect(answer).toEqual({ result: { confirmed: true } });
    expect(events).toEqual(['opened', TOLD.method, 'question 1']);
  });

  it.each<[string, Parameters<typeof receive>]>([
    ['of a caller from whom a policy withholds a tool', [['intern']]],
    ['unless the entry of the server allows it', [[], { allowUnknownMethods: false }]],
    ['at an endpoint of several servers', [[], {}, 'default']],
  ])('does not reach the session %s', async (_which, order) => {
    const { answer, events } = await receive(...order);
    expect(answer).toMatchObject({ error: { code: -32601 } });
    expect(events).toEqual(['opened']);
  });
});

describe('capabilities unknown to the gateway', () => {
  const TASKS = 'io.modelcontextprotocol/tasks';
  const offeredBy = async (era: 'legacy' | 'modern', entry: Partial<RemoteServer>) => {
    const { made } = await world({}, entry);
    const capabilities =
      era === 'legacy'
        ? { tools: {}, experimental: { acme: {} }, tasks: { list: {} } }
        : { tools: {}, experimental: { acme: {} }, extensions: { 'acme/x': {}, [TASKS]: {} } };
    made.connector.eras.set('files', era);
    made.connector.capabilities.set('files', capabilities);
    made.connector.respond = () => result({ capabilities });
    const options = { endpoint: 'files', caller: ada(), client: MODERN_CLIENT };
    const outcome =
      era === 'modern'
        ? await made.request('server/discover', {}, options)
        : await made.initialize('files', LEGACY_CLIENT, ada());
    return outcome.kind === 'result' ? outcome.result['capabilities'] : outcome;
  };
  const [NONE, METHODS] = [
    { allowUnknownMethods: false, tasks: false },
    { allowUnknownMethods: true, tasks: false },
  ];
  const ONLY_TASKS = { allowUnknownMethods: false, tasks: true };

  it.each<['legacy' | 'modern', string, Partial<RemoteServer>, object]>([
    ['legacy', 'neither', NONE, { tools: {} }],
    ['legacy', 'unknown methods', METHODS, { tools: {}, experimental: { acme: {} } }],
    ['legacy', 'tasks', ONLY_TASKS, { tools: {}, tasks: { list: {} } }],
    ['modern', 'neither', NONE, { tools: {} }],
    ['modern', 'unknown methods', METHODS, { tools: {}, experimental: { acme: {} }, extensions: { 'acme/x': {} } }],
    ['modern', 'tasks', ONLY_TASKS, { tools: {}, extensions: { [TASKS]: {} } }],
  ])('of a %s server are offered only where its entry allows them: %s', async (era, _what, entry, expected) => {
    expect(await offeredBy(era, entry)).toEqual(expected);
  });

  const capabilities = { tools: {}, tasks: { list: {} }, experimental: { acme: {} }, extensions: { 'acme/x': {} } };

  it.each(['legacy', 'modern'] as const)(
    'of a %s server are offered only to callers that no policy restricts',
    async (era) => {
      const { made } = await world({ policies: [{ ...INTERNS, tools: ['delete_all'] }] });
      made.connector.eras.set('files', era);
      made.connector.capabilities.set('files', capabilities);
      made.connector.respond = () => result({ capabilities });
      const offered = async (caller: Caller) => {
        if (era === 'modern')
          return made.request('server/discover', {}, { endpoint: 'files', caller, client: MODERN_CLIENT });
        return made.initialize('files', LEGACY_CLIENT, caller);
      };
      expect(await offered(ada())).toMatchObject({ result: { capabilities } });
      expect(await offered(ada({ roles: ['intern'] }))).toHaveProperty('result.capabilities', { tools: {} });
    },
  );
});
