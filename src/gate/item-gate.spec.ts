import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readResourceUri, type ResourceUri } from '#lib/mcp-protocol';
import { ManualClock } from '#lib/testing/manual-clock';
import { endpointsOf } from '../../test/support/endpoints.js';
import { callerOf, FakeRegistry, remoteServer } from '../../test/support/fake-upstream.js';
import { until } from '../../test/support/until.js';
import { Database } from '../database/index.js';
import { openDatabase } from '../database/testing.js';
import { Items } from '../items/index.js';
import type { RegistrySnapshot } from '../registry/index.js';
import { ItemGate } from './item-gate.js';
import { readItemReference } from './item-reference.js';

const files = remoteServer('files');
const DESK = { slug: 'desk', public: true, servers: ['files'] };

/** Admits URIs of the server at the virtual server `desk`. Returns the URI that the server receives. */
function gateOf(more: Partial<RegistrySnapshot>) {
  const registry = new FakeRegistry([files], { virtualServers: [DESK], ...more });
  const gate = new ItemGate(new Items({} as Database, registry, new ManualClock()));
  const endpoint = endpointsOf(registry).findFor(callerOf('ada'), 'desk');
  if (!endpoint) throw new Error('The endpoint is missing.');
  return (uri: string, isTemplate = false): string | undefined => {
    const use = gate.admit(endpoint, { kind: 'resources', text: `files+${uri}`, isTemplate });
    return 'refusal' in use ? undefined : use.name;
  };
}

const word = fc.stringMatching(/^[a-z0-9]{1,6}$/);
const path = fc.array(word, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
const start = fc.constantFrom('file:///', 'https://host/', 'https://host:8443/', 'http://host/', 'notes://box/');
const plainUri = fc.tuple(start, path).map((parts) => parts.join(''));
const expression = fc.constantFrom('', '{id}', '{+path}', 'x/{a,b}');
/** A resource, or a template whose expressions are at its end or before it. */
const anyItem = fc.oneof(
  plainUri.map((uri) => ({ uri, isTemplate: false })),
  fc.tuple(plainUri, expression, expression).map(([uri, middle, end]) => ({
    uri: `${uri}/${middle}${end}`,
    isTemplate: true,
  })),
);

/** Changes that a server may undo before it looks up the resource. */
const CHANGES: readonly ((uri: string) => string)[] = [
  (uri) => uri.replace(/^[a-z]+/, (scheme) => scheme.toUpperCase()),
  (uri) => uri.replace('//host', '//HOST'),
  (uri) => uri.replace('//host', '//ho%73t'),
  (uri) => uri.replace('//host/', /^https/i.test(uri) ? '//host:443/' : '//host:80/'),
  (uri) => uri.replace('//host', '//somebody@host'),
  (uri) => uri.replace('file:///', 'file:/'),
  (uri) => uri.replace('file:///', 'file://localhost/'),
  (uri) => uri.replace('file:///', 'file://elsewhere/'),
  (uri) => (/^(?:file|http)/.test(uri) ? uri.replaceAll('/', '\\') : uri),
  (uri) => uri.replace(/(?<=:.*)[a-z0-9](?=[^/\\]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (uri) => uri.replace(/(?<=[^/:])\/(?=[^/]+$)/, '%2F'),
  (uri) => uri.replace(/(?<=[^/:])\/(?=[^/]+$)/, '//'),
  (uri) => `${uri}#part`,
  (uri) => (uri.startsWith('file:') ? `${uri}?x` : uri),
  (uri) => ` ${uri}`,
  (uri) => `${uri}\n`,
  (uri) => uri.replace(':', ':\t'),
  (uri) => uri.replace(/(?<=[^/:])\/(?=[^/]+$)/, '/./'),
  (uri) => uri.replace(/(?<=[^/:])\/(?=[^/]+$)/, '/a/%2e%2E/'),
];
const anyChanges = fc.array(fc.constantFrom(...CHANGES), { maxLength: 3 });
const spell = (uri: string, changes: readonly ((uri: string) => string)[]) =>
  changes.reduce((text, change) => change(text), uri);

const anyPattern = fc
  .tuple(plainUri, anyChanges, fc.constantFrom('', '*', '/*'))
  .map(([uri, changes, end]) => spell(uri, changes) + end);
const anyPatterns = fc.array(anyPattern, { maxLength: 3 });
const anyRules = fc.record({
  selected: fc.option(anyPatterns),
  denied: anyPatterns,
  closed: anyPatterns,
  opened: anyPatterns,
});

type Rules = typeof anyRules extends fc.Arbitrary<infer T> ? T : never;
const configure = ({ selected, denied, closed, opened }: Rules): Partial<RegistrySnapshot> => ({
  virtualServers: [{ ...DESK, ...(selected && { resources: selected.map((pattern) => `files+${pattern}`) }) }],
  policies: [
    { slug: 'no', effect: 'deny', resources: denied },
    { slug: 'closed', effect: 'allow', roles: ['nobody'], resources: closed },
    { slug: 'open', effect: 'allow', resources: opened },
  ],
});

describe('properties of any selection, policies and spelling of a URI', () => {
  it('a spelling is admitted only if the WHATWG form and the form that the server receives are admitted', () => {
    fc.assert(
      fc.property(anyRules, anyItem, anyChanges, (rules, { uri, isTemplate }, changes) => {
        const rulesOfUri = {
          ...rules,
          opened: [...rules.opened, uri],
          ...(rules.selected && { selected: [...rules.selected, uri] }),
        };
        const admit = gateOf(configure(rulesOfUri));
        const spelling = spell(uri, changes);
        const sent = admit(spelling, isTemplate);
        if (sent === undefined) return;
        expect(admit(sent, isTemplate)).toBe(sent);
        const { normal } = readResourceUri(sent, isTemplate) as ResourceUri;
        expect(admit(normal, isTemplate)).toBeDefined();
        expect(URL.parse(sent)?.href).toBe(URL.parse(spelling)?.href);
      }),
      { numRuns: 2_000 },
    );
  });

  it('no spelling of a resource is admitted that a policy denies or closes, or that the endpoint does not select', () => {
    fc.assert(
      fc.property(anyItem, word, anyChanges, ({ uri, isTemplate }, other, changes) => {
        const spelling = spell(uri, changes);
        const denied = gateOf(configure({ selected: null, denied: [uri], closed: [], opened: [] }));
        const closed = gateOf(
          configure({ selected: null, denied: [], closed: [uri.replace(/\w+$/, '*')], opened: [] }),
        );
        const unselected = gateOf(configure({ selected: [`file:///-${other}/*`], denied: [], closed: [], opened: [] }));
        expect([denied, closed, unselected].map((admit) => admit(spelling, isTemplate))).toEqual([
          undefined,
          undefined,
          undefined,
        ]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a deny rule that names a URI template', () => {
  it('denies the template and what it can yield', () => {
    const admit = gateOf({ policies: [{ slug: 'no', effect: 'deny', resources: ['db://{table}/{id}'] }] });
    expect([admit('db://users/1'), admit('DB://users/1'), admit('notes://users')]).toEqual([
      undefined,
      undefined,
      'notes://users',
    ]);
  });
});

describe('ItemGate.publish', () => {
  it('includes a resource that is listed for the first time, although a disabled template covers it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'isthmus-gate-'));
    const database = await openDatabase({ kind: 'sqlite', file: join(folder, 'items.db') });
    const registry = new FakeRegistry([files], { virtualServers: [{ ...DESK, resources: ['files+file:///*'] }] });
    const items = new Items(database, registry, new ManualClock());
    await items.onApplicationBootstrap();
    const template = { name: 'all', uriTemplate: 'file:///{path}' };
    const key = { server: 'files', kind: 'resourceTemplates', name: template.uriTemplate } as const;
    items.observe(files, 'resourceTemplates', [template]);
    await until(async () => (await items.find(key)) !== undefined);
    await items.setOverrides(key, () => ({ isDisabled: true }));

    const endpoint = endpointsOf(registry).findFor(callerOf('ada'), 'desk');
    if (!endpoint) throw new Error('The endpoint is missing.');
    const page = [{ name: 'plan', uri: 'file:///plan' }];
    items.observe(files, 'resources', page);
    const visible = items.toVisibleItems(files, 'resources', page);
    const published = new ItemGate(items).publish(endpoint, files, 'resources/list', [visible]);
    expect(published).toEqual([{ name: 'plan', uri: 'files+file:///plan' }]);
    await items.onApplicationShutdown();
    await database.close();
    await rm(folder, { recursive: true });
  });
});

describe('readItemReference', () => {
  it.each([
    [
      { type: 'ref/prompt', name: 'a' },
      { kind: 'prompts', text: 'a' },
    ],
    [
      { type: 'ref/resource', uri: 'a:b' },
      { kind: 'resources', text: 'a:b', isTemplate: true },
    ],
    [{ type: 'ref/prompt', name: 'a', uri: 'a:b' }, { fault: expect.stringContaining('"uri"') }],
    [{ type: 'ref/prompt', name: 'a', uri: null }, { fault: expect.stringContaining('"uri"') }],
    [{ type: 'ref/resource', name: 'a', uri: 'a:b' }, { fault: expect.stringContaining('"name"') }],
    [{ type: 'ref/prompt', uri: 'a:b' }, { fault: expect.stringContaining('"uri"') }],
    [{ type: 'ref/resource' }, { fault: expect.stringContaining('params.ref.uri') }],
    [{ type: 'ref/prompt', name: 7 }, { fault: expect.stringContaining('params.ref.name') }],
    [{ type: 'ref/tool', name: 'a' }, { fault: expect.stringContaining('params.ref.type') }],
    [{ name: 'a' }, { fault: expect.stringContaining('params.ref.type') }],
    ['a', { fault: expect.stringContaining('params.ref') }],
  ])('reads the completion reference %j by its type: %j', (ref, reference) => {
    expect(readItemReference({ method: 'completion/complete', params: { ref } })).toEqual(reference);
  });

  it.each([[['a']], ['a'], [7], [null]])('refuses the arguments %j, which no policy could see', (args) => {
    for (const method of ['tools/call', 'prompts/get'])
      expect(readItemReference({ method, params: { name: 'a', arguments: args } })).toEqual({
        fault: 'params.arguments must be an object.',
      });
  });

  it('ignores members that belong to other methods', () => {
    const params = { name: 'a', uri: 'b:c', ref: { type: 'ref/prompt', name: 'd' } };
    expect(readItemReference({ method: 'tools/call', params })).toMatchObject({ kind: 'tools', text: 'a' });
    expect(readItemReference({ method: 'resources/read', params })).toEqual({ kind: 'resources', text: 'b:c' });
  });
});
