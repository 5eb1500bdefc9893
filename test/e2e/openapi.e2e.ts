/** The OpenAPI document is valid and agrees with the responses of the gateway. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { IsInt, Min } from 'class-validator';
import { Guardrail, GuardrailCheck, PASS } from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { freePort } from '#lib/testing/redis-server';
import { startReferenceServer, type ReferenceServer } from '#lib/testing/reference-server';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient, type AdminAnswer } from '../support/admin-client.js';
import { openApiOf, operationsIn, type OpenApi } from '../support/admin-operations.js';
import { EventReader } from '../support/event-reader.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { until } from '../support/until.js';
import type { ListName, SdkClient } from '../support/sdk-client.js';

class WordOptions {
  @IsInt() @Min(1) readonly maximum: number = 9;
}

@Guardrail('words', { phases: ['arguments'], options: WordOptions })
class WordCheck extends GuardrailCheck {
  override check = () => PASS;
}

@Module({ providers: [WordCheck] })
class WordsModule {}

let server: ReferenceServer;
let gateway: TestGateway;
let admin: AdminClient;
let client: SdkClient;
let document: OpenApi;
const called = new Set<string>();

beforeAll(async () => {
  server = await startReferenceServer({ era: 'legacy', transport: 'http' });
  gateway = await startGateway({
    env: {
      ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8',
      ISTHMUS_ADMIN_MAY_START_PROGRAMS: 'true',
      ISTHMUS_ALERT_WEBHOOK_URL: `http://127.0.0.1:${await freePort()}`,
      ISTHMUS_ALERT_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}`,
    },
    servers: { 'in-file': { transport: 'http', url: server.url } },
    extensions: [WordsModule],
  });
  admin = new AdminClient(gateway, ['admin']);
  document = await openApiOf(admin, gateway);
  client = await CLIENTS[0]!.connect({ url: `${gateway.url}/mcp`, token: await gateway.token() });
  await client.call('in-file__echo', { text: 'so that there is a session' });
});

afterAll(async () => {
  await client?.close();
  await gateway?.close();
  await server?.close();
});

/** Calls an operation and validates the answer against the document. */
async function expectServed(
  verb: string,
  path: string,
  values: Record<string, string> = {},
  body?: JsonObject,
): Promise<AdminAnswer> {
  const [route = ''] = path.split('?');
  const operation = document.paths[`/admin/v1${route}`]?.[verb.toLowerCase()];
  expect(operation).toBeDefined();
  called.add(`${verb} ${route}`);
  if (body) expectToFit(requestSchemaOf(operation), body);
  const address = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(values[name] ?? ''));
  const isChange = verb === 'PUT' || verb === 'DELETE';
  const answer = await admin.send(gateway, verb, address, {
    ...(body && { body }),
    ...(isChange && { headers: { 'if-match': '*' } }),
  });
  const documented = (operation?.['responses'] as JsonObject | undefined)?.[answer.status] as JsonObject | undefined;
  expect([`${verb} ${path}`, answer.status, answer.json, documented !== undefined]).toEqual([
    `${verb} ${path}`,
    answer.status,
    answer.json,
    true,
  ]);
  const content = documented?.['content'] as { [type: string]: { schema: JsonObject } } | undefined;
  if (content?.['application/json']) expectToFit(content['application/json'].schema, answer.json);
  return answer;
}

const requestSchemaOf = (operation: JsonObject | undefined): JsonObject =>
  (operation as { requestBody: { content: { 'application/json': { schema: JsonObject } } } }).requestBody.content[
    'application/json'
  ].schema;

const expectToFit = (schema: JsonObject, value: unknown): void => expect(faultsIn(schema, value)).toEqual([]);

function faultsIn(schema: JsonObject, value: unknown): readonly unknown[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { cel: true } });
  addFormats.default(ajv);
  ajv.addSchema({ $id: 'openapi', components: document.components });
  const validate = ajv.compile({ $ref: `openapi${schema['$ref'] as string}` });
  validate(value);
  return validate.errors ?? [];
}

/** Entries, and whether they are valid: for the schema of the document and for the gateway alike. */
const ENTRIES: readonly (readonly [collection: string, isGood: boolean, entry: JsonObject])[] = [
  ['servers', true, { transport: 'http', url: 'http://127.0.0.1:1/', headers: { 'X-One': 'a', 'X-Two': 2 } }],
  ['servers', true, { transport: 'sse', url: 'http://127.0.0.1:1/', timeouts: { connect: '2s' }, tags: ['a'] }],
  ['servers', true, { transport: 'stdio', command: 'node', args: ['-e', 1], env: { A: 'b' } }],
  [
    'servers',
    true,
    { transport: 'rest', url: 'http://127.0.0.1:1/', tools: { list: { path: '/a', method: 'POST', body: [1] } } },
  ],
  ['servers', false, { transport: 'http' }],
  ['servers', false, { transport: 'http', url: 'http://127.0.0.1:1/', command: 'node' }],
  ['servers', false, { transport: 'pigeon', url: 'http://127.0.0.1:1/' }],
  ['servers', false, { transport: 'sse', url: 'http://127.0.0.1:1/', timeouts: { connect: 2 } }],
  ['servers', false, { transport: 'rest', url: 'http://127.0.0.1:1/', tools: { list: { path: 'a' } } }],
  ['servers', false, { transport: 'rest', url: 'http://127.0.0.1:1/', tools: { list: { path: '/a', colour: 1 } } }],
  ['virtual-servers', true, { servers: ['in-file'], instructions: 'Be kind.', tools: ['a*'] }],
  ['virtual-servers', true, { tags: ['a'], title: 'All', public: false }],
  ['virtual-servers', false, { servers: 'in-file' }],
  ['teams', true, { members: [], roles: ['payer'] }],
  ['teams', false, { members: [1] }],
  ['limits', true, { per: ['principal', 'tool'], rate: '100/1m' }],
  ['limits', false, { per: ['moon'], rate: '100/1m' }],
  ['limits', false, { per: ['principal'], concurrency: 0 }],
  ['policies', true, { effect: 'allow', servers: ['in-*'], when: 'claims.level == 3' }],
  ['policies', false, { effect: 'maybe' }],
  ['guardrails', true, { check: 'words', mode: 'observe', options: { maximum: 3 }, phases: ['arguments'] }],
  ['guardrails', false, { check: 3 }],
  ['guardrails', false, { check: 'words', options: { maximum: 0 } }],
  ['guardrails', false, { check: 'none', mode: 'on' }],
  ['secrets', true, { value: 'very-secret', origins: ['*'] }],
  ['secrets', false, { origins: ['*'] }],
];

const CRUD: Readonly<Record<string, () => JsonObject>> = {
  servers: () => ({ transport: 'http', url: server.url }),
  'virtual-servers': () => ({ servers: ['in-file'] }),
  teams: () => ({ members: ['ada'] }),
  guardrails: () => ({ check: 'words', tools: ['send_*'], deadline: '1s', onFailure: 'pass' }),
  limits: () => ({ per: ['principal'], rate: '10/1m', concurrency: 2 }),
  policies: () => ({ effect: 'deny', tools: ['none'] }),
  secrets: () => ({ value: 'very-secret', origins: ['https://api.example.com'] }),
};

describe('the OpenAPI document', () => {
  it('is valid', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  });

  it('describes every operation with its roles and its responses', () => {
    const silent = operationsIn(document).filter(({ verb, path, roles }) => {
      const { summary } = document.paths[`/admin/v1${path}`]?.[verb.toLowerCase()] ?? {};
      return typeof summary !== 'string' || summary === '' || roles.length === 0;
    });
    expect(silent).toEqual([]);
  });

  it.each(Object.keys(CRUD))('matches the responses of the gateway for collection %s', async (collection) => {
    const [whole, one] = [`/${collection}`, `/${collection}/{slug}`];
    const entry = CRUD[collection]?.() ?? {};
    await expectServed('POST', whole, {}, { slug: 'made', entry });
    await expectServed('GET', whole);
    await expectServed('GET', one, { slug: 'made' });
    await expectServed('PUT', one, { slug: 'made' }, { entry: { ...entry } });
    if (collection === 'guardrails') {
      await expectServed('POST', `${one}/try`, { slug: 'made' }, { phase: 'arguments', value: {} });
      await expectServed('POST', `${whole}/try`, {}, { entry, phase: 'arguments', value: {} });
    }
    if (collection === 'servers') {
      await expectServed('POST', '/servers/test', {}, { slug: 'other', entry });
      await expectServed('POST', `${one}/test`, { slug: 'made' });
      await expectServed('GET', `${one}/health`, { slug: 'made' });
      await expectServed('POST', `${one}/refresh`, { slug: 'made' });
      await expectServed('POST', `${one}/disable`, { slug: 'made' });
      await expectServed('POST', `${one}/enable`, { slug: 'made' });
    }
    await expectServed('DELETE', one, { slug: 'made' });
  });

  it.each(ENTRIES)(
    'has a schema for an entry of %s that agrees with the gateway (valid: %s): %j',
    async (collection, isGood, entry) => {
      const operation = document.paths[`/admin/v1/${collection}`]?.['post'];
      const body = { slug: 'drafted', entry };
      const faults = faultsIn(requestSchemaOf(operation), body);
      expect([faults.length === 0, faults]).toEqual([isGood, isGood ? [] : expect.anything()]);
      expect(await admin.send(gateway, 'POST', `/${collection}`, { body })).toMatchObject({
        status: isGood ? 201 : 422,
      });
      if (isGood) await admin.send(gateway, 'DELETE', `/${collection}/drafted`, { headers: { 'if-match': '*' } });
    },
  );

  it.each<[string, ListName, string]>([
    ['/tools', 'tools', 'name'],
    ['/prompts', 'prompts', 'name'],
    ['/resources', 'resources', 'uri'],
    ['/resource-templates', 'resourceTemplates', 'uriTemplate'],
  ])('matches the responses of the gateway for the items at %s', async (collection, list, label) => {
    await client.list(list);
    const found = async () => (await admin.get(gateway, collection)).json['items'] as JsonObject[];
    await until(async () => (await found()).length > 0);
    const [{ name } = { name: '' }] = await found();
    const item = { server: 'in-file', name: name as string };
    const [one, whole] = [`${collection}/{server}/{name}`, await expectServed('GET', collection)];
    expect(whole.json['items']).not.toEqual([]);
    const { json: shown } = await expectServed('GET', one, item);
    expect(shown['seen']).toMatchObject({ [label]: name });
    await expectServed('POST', `${one}/approve`, item, { digest: shown['seenDigest'] as string });
    await expectServed('PUT', `${one}/presentation`, item, { description: 'Says it again.' });
    await expectServed('POST', `${one}/disable`, item);
    await expectServed('POST', `${one}/enable`, item);
  });

  it('matches the responses of the gateway for tokens, policies, the audit log and the document itself', async () => {
    const { json } = await expectServed('POST', '/tokens', {}, { title: 'mine', servers: ['in-file'] });
    const id = json['id'] as string;
    await expectServed('GET', '/tokens');
    await expectServed('GET', '/tokens/{id}', { id });
    await expectServed('DELETE', '/tokens/{id}', { id });
    await expectServed('DELETE', '/subjects/{issuer}/{subject}/tokens', { issuer: 'isthmus', subject: 'nobody' });
    await expectServed('POST', '/policy/explain', {}, { caller: { subject: 'ada' }, server: 'in-file', name: 'echo' });
    await expectServed('POST', '/policy/visible-items', {}, { anonymous: true, endpoint: 'default' });
    const [record] = (await expectServed('GET', '/audit')).json['items'] as { id: string }[];
    await expectServed('GET', '/audit/{id}', { id: record!.id });
    await expectServed('GET', '/usage');
    await expectServed('GET', '/expiring-credentials');
    await expectServed('GET', '/guardrail-checks');
    await expectServed('GET', '/guardrail-decisions');
    await expectServed('GET', '/policy/condition?expression=claims.a+%3D%3D');
    await expectServed('GET', '/settings');
    await expectServed('GET', '/health');
    await expectServed('GET', '/alerts');
    await expectServed('POST', '/alerts/test');
    const exported = (await expectServed('GET', '/export')).json;
    await expectServed('POST', '/import', {}, { ...exported, dryRun: true });
    const own = (await expectServed('GET', '/openapi.json')).json;
    await expectServed('POST', '/openapi-imports', {}, { document: own, url: gateway.url });
    const registered = {
      name: 'com.example/a',
      remotes: [{ type: 'sse', url: '{base}', headers: [{ name: 'A', choices: ['b'] }] }],
    };
    await expectServed(
      'POST',
      '/server-json-imports',
      {},
      { document: registered, inputs: { 'remotes[0].headers[0]': 'b' } },
    );
  });

  it('matches the responses of the gateway for approvals', async () => {
    const entry = { check: 'approval', options: { by: 'admin', tools: ['echo'] } };
    await admin.send(gateway, 'POST', '/guardrails', { body: { slug: 'approved', entry } });
    const calls = Promise.allSettled(['one', 'other'].map((text) => client.call('in-file__echo', { text })));
    const pending = async () => (await admin.get(gateway, '/approvals')).json['items'] as { id: string }[];
    await until(async () => (await pending()).length === 2);
    const items = (await expectServed('GET', '/approvals')).json['items'] as { id: string }[];
    await expectServed('POST', '/approvals/{id}/approve', { id: items[0]!.id });
    await expectServed('POST', '/approvals/{id}/refuse', { id: items[1]!.id }, { reason: 'Not today.' });
    await expectServed('GET', '/approvals/{id}', { id: items[1]!.id });
    expect((await calls).map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await admin.send(gateway, 'DELETE', '/guardrails/approved', { headers: { 'if-match': '*' } });
  });

  it('matches the responses of the gateway for sessions, connections and workers', async () => {
    const [worker] = (await expectServed('GET', '/workers')).json['items'] as { id: string }[];
    await expectServed('GET', '/workers/{id}', { id: worker!.id });
    await expectServed('GET', '/parked-calls');
    const sessions = (await expectServed('GET', '/sessions')).json['items'] as { id: string }[];
    const connections = (await expectServed('GET', '/upstream-sessions')).json['items'] as { id: string }[];
    await expectServed('GET', '/sessions/{id}', { id: sessions[0]!.id });
    await expectServed('GET', '/upstream-sessions/{id}', { id: connections[0]!.id });
    await expectServed('DELETE', '/sessions/{id}', { id: sessions[0]!.id });
    await expectServed('DELETE', '/upstream-sessions/{id}', { id: connections[0]!.id });
  });

  it('matches the live figures that the gateway streams', async () => {
    const headers = { authorization: `Bearer ${await gateway.token({ roles: ['auditor'] })}` };
    const reader = new EventReader(await fetch(`${gateway.url}/admin/v1/live`, { headers }));
    const event = await reader.next();
    expect(event?.type).toBe('figures');
    expectToFit({ $ref: '#/components/schemas/LiveFigures' }, JSON.parse(event?.data ?? ''));
    await reader.cancel();
  });

  it('contains no operation that the gateway does not serve', async () => {
    // Not called here: a stream, an export of lines, the drain of this gateway, and what needs a parked call.
    const waiting = ['GET /parked-calls/{id}', 'DELETE /parked-calls/{id}'];
    const others = ['GET /live', 'GET /audit/export', 'POST /workers/{id}/drain', ...waiting];
    const named = operationsIn(document).map(({ verb, path }) => `${verb} ${path}`);
    expect(named.filter((name) => !called.has(name)).toSorted()).toEqual(others.toSorted());
    const token = await gateway.token({ roles: ['admin'] });
    const lines = await fetch(`${gateway.url}/admin/v1/audit/export`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const [line = ''] = (await lines.text()).split('\n');
    expectToFit({ $ref: '#/components/schemas/AuditRecord' }, JSON.parse(line));
    for (const path of ['/workers/none/drain', '/parked-calls/none.none']) {
      const answer = await admin.send(gateway, path.startsWith('/w') ? 'POST' : 'DELETE', path);
      expect(answer).toMatchObject({ status: 404 });
      expectToFit({ $ref: '#/components/schemas/Problem' }, answer.json);
    }
  });
});

describe('the page that shows the OpenAPI document', () => {
  const fetchPage = (path: string) => fetch(`${gateway.url}/admin/v1/docs${path}`);

  it('is served without a token, contains no data, and loads no foreign resources', async () => {
    const page = await fetchPage('');
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self'/);
    const html = await page.text();
    expect(html).not.toContain('in-file');
    const files = Array.from(html.matchAll(/(?:src|href)="docs\/([^"]+)"/g), ([, file]) => file);
    expect(files).toEqual(['swagger-ui.css', 'swagger-ui-bundle.js', 'page.js']);
    for (const file of files) {
      const answer = await fetchPage(`/${file}`);
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        200,
        expect.stringMatching(/^text\/(css|javascript)/),
      ]);
      await answer.arrayBuffer();
    }
  });

  it.each(['/package.json', '/..%2Fpackage.json', '/index.html'])('does not serve the file %s', async (path) => {
    expect((await fetchPage(path)).status).toBe(404);
  });
});
