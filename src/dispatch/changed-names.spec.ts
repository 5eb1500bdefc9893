import { afterEach, describe, expect, it } from '@jest/globals';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { remoteServer } from '../../test/support/fake-upstream.js';
import { CatalogConfig } from '../catalog/index.js';
import type { RegistrySnapshot } from '../registry/index.js';

const worlds: DispatchWorld[] = [];

afterEach(async () => {
  for (const made of worlds.splice(0)) await made.close();
});

const NAMES = ['issues.create', 'issues/create', 'issues_create', 'long '.repeat(30)];

/** A worker before the server `tracker`, whose tools and prompts have the same names and answer with them. */
async function worker(more: Partial<RegistrySnapshot> = {}, config = new CatalogConfig()) {
  const made = await DispatchWorld.open([remoteServer('tracker')], { defaultEndpoint: { public: true }, ...more }, {}, [
    config,
  ]);
  worlds.push(made);
  const asked: string[] = [];
  made.connector.respond = ({ request: { method, params } }) => {
    asked.push(method);
    if (method === 'tools/list')
      return result({ tools: NAMES.map((name) => ({ name, inputSchema: { type: 'object' } })) });
    if (method === 'prompts/list') return result({ prompts: NAMES.map((name) => ({ name })) });
    return result({ content: [{ type: 'text', text: params['name'] ?? '' }], messages: [] });
  };
  const request = made.request.bind(made);
  const list = async (kind: 'tools' | 'prompts' = 'tools') => {
    const outcome = await request(`${kind}/list`);
    return resultOf(outcome)[kind] as { name: string; title?: string; _meta?: JsonObject }[];
  };
  const call = async (name: string) => request('tools/call', { name });
  return { made, request, asked, list, call };
}

function resultOf(outcome: Outcome): JsonObject {
  if (outcome.kind === 'error') throw new Error(outcome.error.message);
  return outcome.result;
}
const calledName = (outcome: Outcome) => (resultOf(outcome)['content'] as [{ text: string }])[0].text;

describe('a tool whose name clients would not accept', () => {
  it('is listed under another name, with its name in _meta and as its title', async () => {
    const { list } = await worker();
    const tools = await list();
    expect(new Set(tools.map(({ name }) => name)).size).toBe(NAMES.length);
    for (const { name } of tools) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
    expect(tools.map(({ _meta, title }) => [_meta?.['isthmus/name'], title])).toEqual(
      NAMES.map((name) => (name === 'issues_create' ? [undefined, undefined] : [name, name])),
    );
  });

  it('is called under its own name, also at a worker that has never listed it', async () => {
    const [first, second] = [await worker(), await worker()];
    const tools = await first.list();
    for (const [index, { name }] of tools.entries()) {
      expect(calledName(await first.call(name))).toBe(NAMES[index]);
      expect(calledName(await second.call(name))).toBe(NAMES[index]);
    }
    expect(second.asked.filter((method) => method === 'tools/list')).toHaveLength(1);
  });

  it('is not looked up for a name that no list contains more than once in five seconds', async () => {
    const [{ name } = { name: '' }] = await (await worker()).list();
    const { made } = await worker();
    made.connector.respond = () => result({ tools: [] });
    for (const _time of [1, 2, 3]) await made.request('tools/call', { name });
    expect(made.requestsTo('tracker').filter(([method]) => method === 'tools/list')).toHaveLength(1);
  });

  it('causes no list for the call of another tool', async () => {
    const { call, asked } = await worker();
    expect(calledName(await call('tracker__issues_create'))).toBe('issues_create');
    expect(asked).toEqual(['tools/call']);
  });

  it('is selected and denied by its own name', async () => {
    const desk = { slug: 'desk', public: true, servers: ['tracker'], tools: ['tracker__issues.*'] };
    const { request } = await worker({ virtualServers: [desk] });
    const listed = resultOf(await request('tools/list', {}, { endpoint: 'desk' }))['tools'] as { name: string }[];
    expect(listed).toHaveLength(1);
    expect(calledName(await request('tools/call', { name: listed[0]!.name }, { endpoint: 'desk' }))).toBe(
      'issues.create',
    );
    const other = (await (await worker()).list())[1]!.name;
    expect(await request('tools/call', { name: other }, { endpoint: 'desk' })).toMatchObject({ kind: 'error' });
  });

  it('keeps its name at the endpoint of its server, and everywhere if the setting says so', async () => {
    const { request } = await worker();
    const own = resultOf(await request('tools/list', {}, { endpoint: 'tracker' }))['tools'] as { name: string }[];
    expect(own.map(({ name }) => name)).toEqual(NAMES);
    const original = await worker({}, Object.assign(new CatalogConfig(), { itemNames: 'original' }));
    expect((await original.list()).map(({ name }) => name)).toEqual(NAMES.map((name) => `tracker__${name}`));
    expect(calledName(await original.call('tracker__issues.create'))).toBe('issues.create');
  });
});

describe('a prompt whose name clients would not accept', () => {
  it('is read and completed under its own name at a worker that has never listed it', async () => {
    const prompts = await (await worker()).list('prompts');
    const { made, request } = await worker();
    const { name } = prompts[0]!;
    await request('prompts/get', { name });
    await request('completion/complete', { ref: { type: 'ref/prompt', name }, argument: { name: 'a', value: '' } });
    expect(made.requestsTo('tracker').map(([method]) => method)).toEqual([
      'prompts/list',
      'prompts/get',
      'completion/complete',
    ]);
    expect(made.requestsTo('tracker')[1]?.[1]).toMatchObject({ name: 'issues.create' });
    expect(made.requestsTo('tracker')[2]?.[1]).toMatchObject({ ref: { name: 'issues.create' } });
  });
});
