/** Whole public API documents: what the gateway sends is what the document says, for operations spread over each document. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startRestServer, type RestTestServer } from '#lib/testing/rest-server';
import type { JsonObject } from '#lib/mcp-protocol';
import { CLIENTS } from '../matrix/clients.js';
import { AdminClient } from '../support/admin-client.js';
import { ApiDocument, documentText, type ExpectedRequest } from '../support/api-documents.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { sampleArguments } from '../support/schema-samples.js';

let gateway: TestGateway;
let admin: AdminClient;
let server: RestTestServer;

beforeAll(async () => {
  // The validators of clients name each format of a document that they do not know.
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  server = await startRestServer();
  gateway = await startGateway({ env: { ISTHMUS_ALLOWED_NETWORKS: '127.0.0.0/8' }, servers: {} });
  admin = new AdminClient(gateway, ['admin']);
});

afterAll(async () => {
  await gateway.close();
  await server.close();
});

interface Sampled {
  readonly tool: JsonObject & { readonly inputSchema: JsonObject };
  readonly name: string;
  readonly expected: ExpectedRequest;
}

const MAX_CALLS = 25;

/** The SDKs of version 1 compile all schemas of results, which takes seconds for a large document. */
const SMALL = new Set(['docker.yaml', 'slack.json']);

/** The tools are in the order of the operations of the document. */
function sampleTools(tools: JsonObject, document: ApiDocument): readonly Sampled[] {
  const entries = Object.entries(tools) as [string, Sampled['tool']][];
  const requests = document.requests();
  expect(requests).toHaveLength(entries.length);
  const all = entries.map(([name, tool], index) => ({ name, tool, expected: requests[index] ?? fail(name) }));
  return all.filter((_each, index) => index % Math.ceil(all.length / MAX_CALLS) === 0);
}

function expectArrival({ name, expected }: Sampled): void {
  const { method, address, headers, body } = server.arrivals.at(-1) ?? fail(name);
  const url = new URL(address, 'http://h');
  expect([method, decodeURI(url.pathname)]).toEqual([expected.verb, expect.stringMatching(expected.path)]);
  const sent = [...new Set(url.searchParams.keys())].map((each) =>
    expected.query.has(each) ? each : each.split('[')[0],
  );
  expect(sent.filter((each) => !expected.query.has(each ?? ''))).toEqual([]);
  expect(expected.requiredQuery.filter((each) => !sent.includes(each))).toEqual([]);
  expect(headers).toMatchObject({ authorization: 'Bearer of-the-entry' });
  if (body === '') return;
  const type = headers['content-type']?.split(';')[0] ?? '';
  const isDeclared = expected.mediaTypes.some((each) => each.split(';')[0] === type || each.includes('*'));
  expect([name, isDeclared || expected.mediaTypes.length === 0]).toEqual([name, true]);
  if (type.endsWith('json')) JSON.parse(body);
}

const fail = (name: string): never => {
  throw new Error(`${name} sent nothing.`);
};

describe.each([
  ['asana.yaml', 247, 0],
  ['box.json', 294, 2],
  ['discord.json', 242, 0],
  ['docker.yaml', 108, 0],
  ['github.json', 1_223, 0],
  ['slack.json', 174, 0],
  ['twilio.json', 197, 0],
])('the document %s', (file, operations, skippedOperations) => {
  const slug = file.replace(/\..*/, '');
  let tools: JsonObject;

  beforeAll(async () => {
    const body = { document: documentText(file), url: `${server.url}/echo` };
    const { status, json } = await admin.send(gateway, 'POST', '/openapi-imports', { body });
    const { entry, skipped } = json as { entry: JsonObject; skipped: JsonObject[] };
    expect([status, skipped.filter(({ part }) => part === undefined).length]).toEqual([200, skippedOperations]);
    tools = entry['tools'] as JsonObject;
    const headers = { Authorization: 'Bearer of-the-entry' };
    const made = await admin.send(gateway, 'POST', '/servers', { body: { slug, entry: { ...entry, headers } } });
    expect(made.status).toBe(201);
  });

  it('becomes a tool for each operation', () => {
    expect(Object.keys(tools)).toHaveLength(operations);
  });

  it.each(CLIENTS.filter(({ name }) => SMALL.has(file) || !name.includes('v1')))('is listed to $name', async (kind) => {
    const client = await kind.connect({
      url: `${gateway.url}/servers/${slug}/${kind.path}`,
      token: await gateway.token(),
    });
    const listed = await client.list('tools');
    expect(new Set(listed.map(({ name }) => name))).toEqual(new Set(Object.keys(tools)));
    await client.close();
  });

  it('is called as it says', async () => {
    const kind = CLIENTS.at(-1);
    if (kind === undefined) throw new Error('There are no clients.');
    const client = await kind.connect({
      url: `${gateway.url}/servers/${slug}/${kind.path}`,
      token: await gateway.token(),
    });
    const sampled = sampleTools(tools, new ApiDocument(file));
    const rejected: unknown[] = [];
    for (const each of sampled) {
      const before = server.arrivals.length;
      const answered = await client
        .call(each.name, sampleArguments(each.tool.inputSchema))
        .catch((cause: unknown) => cause);
      if (server.arrivals.length === before) rejected.push([each.name, answered]);
      else expectArrival(each);
      expect([each.name, answered]).toEqual([each.name, expect.anything()]);
    }
    // The samples know no rules between members.
    expect(rejected.slice(sampled.length / 8)).toEqual([]);
    await client.close();
  });
});
