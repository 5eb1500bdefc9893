/** Items under other spellings and ambiguous references: refused over every transport, local and forwarded. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { CLIENT_TRANSPORTS, rawClient, type ClientTransport, type RawClient } from '#lib/testing/raw-client';
import { startFileServer, type FileServer } from '../support/file-server.js';
import { clientViaIngress, FORWARDED_TRANSPORTS } from '../support/forwarding-clients.js';
import { startGatewayPair, type GatewayPair } from '../support/gateway-pair.js';
import { expectNothingLeaks } from '../support/bad-input.js';

let files: FileServer;
let gateways: GatewayPair;

beforeAll(async () => {
  files = await startFileServer();
  gateways = await startGatewayPair({
    servers: { files: { transport: 'http', url: files.url } },
    virtualServers: { lobby: { public: true, servers: ['files'], resources: ['files+file:///public/*'] } },
  });
});

afterAll(async () => {
  await gateways?.close();
  await files?.close();
});

const OTHER_SPELLINGS = [
  'file:///secret/plan.txt',
  'FILE:///secret/plan.txt',
  'file:/secret/plan.txt',
  'file://localhost/secret/plan.txt',
  'file:\\\\\\secret\\plan.txt',
  'file:///%73ecret/plan.txt',
  'file:////secret/plan.txt',
];
const MALFORMED = [
  'file:///public/../secret/plan.txt',
  'file:///public/%2e%2E/secret/plan.txt',
  'file:///public/..\\secret/plan.txt',
  'file:///public/\t../secret/plan.txt',
  'file:///public/.\n./secret/plan.txt',
  'file:///public/a\0',
  'file:///public/a ',
];
const REFS: JsonObject[] = [
  { type: 'ref/prompt', name: 'files__ask', uri: 'files+file:///{+path}' },
  { type: 'ref/resource', name: 'files__ask', uri: 'files+file:///public/{+path}' },
  { type: 'ref/resource', name: 'files__ask' },
  { type: 'ref/prompt', uri: 'files+file:///public/{+path}' },
  { type: 'ref/tool', name: 'files__ask' },
  { uri: 'files+file:///public/{+path}' },
];

const CLIENTS: [string, ClientTransport, () => RawClient][] = [
  ...CLIENT_TRANSPORTS.map((transport): [string, ClientTransport, () => RawClient] => [
    `${transport} at one worker`,
    transport,
    () => rawClient(transport, `${gateways.ownerUrl}/servers/lobby`),
  ]),
  ...FORWARDED_TRANSPORTS.map((transport): [string, ClientTransport, () => RawClient] => [
    `${transport} forwarded to the other worker`,
    transport,
    () =>
      clientViaIngress(transport, {
        ownerUrl: `${gateways.ownerUrl}/servers/lobby`,
        ingressUrl: `${gateways.otherUrl}/servers/lobby`,
      }),
  ]),
];

describe.each(CLIENTS)('a caller without a token, %s,', (_name, transport, open) => {
  let client: RawClient;

  beforeAll(async () => {
    client = open();
    await client.connect();
  });

  afterAll(() => client?.close());

  const codeOf = async (method: string, params: JsonObject) => {
    const { answers, body } = await client.request(method, params);
    expect(body).not.toContain('SECRET');
    expectNothingLeaks(body);
    return (answers[0]?.['error'] as { code: number } | undefined)?.code;
  };
  const hasSession = transport === 'legacy' || transport === 'sse';
  const notFound = transport === 'modern' ? -32_602 : -32_002;

  it('reads the selected resources', async () => {
    expect(await codeOf('resources/read', { uri: 'files+file:///public/a' })).toBeUndefined();
    expect(await codeOf('resources/read', { uri: 'files+FILE:///public/b' })).toBeUndefined();
    expect(files.uris.slice(-2)).toEqual(['file:///public/a', 'file:///public/b']);
  });

  it.each(OTHER_SPELLINGS)('does not reach an unselected resource as %j', async (spelling) => {
    const uri = `files+${spelling}`;
    const before = files.uris.length;
    expect([notFound, -32_602]).toContain(await codeOf('resources/read', { uri }));
    if (hasSession) expect(await codeOf('resources/subscribe', { uri })).toBe(notFound);
    expect(files.uris).toHaveLength(before);
  });

  it.each(MALFORMED)('is refused the URI %j', async (spelling) => {
    const uri = `files+${spelling}`;
    const before = files.uris.length;
    // A header cannot carry every URI; a modern request is then refused for the header.
    const codes = transport === 'modern' ? [-32_602, -32_020] : [-32_602];
    expect(codes).toContain(await codeOf('resources/read', { uri }));
    expect(codes).toContain(await codeOf('completion/complete', { ref: { type: 'ref/resource', uri } }));
    if (hasSession) {
      expect(await codeOf('resources/subscribe', { uri })).toBe(-32_602);
      expect(await codeOf('resources/unsubscribe', { uri })).toBe(-32_602);
    }
    if (transport === 'modern') {
      const notifications = { resourceSubscriptions: [uri] };
      expect(await codeOf('subscriptions/listen', { notifications })).toBe(-32_602);
    }
    expect(files.uris).toHaveLength(before);
  });

  it.each(REFS)('is refused the ambiguous or incomplete reference %j', async (ref) => {
    const before = files.uris.length;
    const argument = { name: 'path', value: '' };
    expect(await codeOf('completion/complete', { ref, argument })).toBe(-32_602);
    expect(files.uris).toHaveLength(before);
  });
});
