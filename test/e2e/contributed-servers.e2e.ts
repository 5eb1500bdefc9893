import { describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { IsInt, IsOptional, IsString } from 'class-validator';
import {
  ConnectsUpstream,
  Secret,
  textResult,
  ToolConnection,
  TransportFailure,
  UnknownTool,
  UpstreamAdapter,
  type AdaptedServer,
  type AdapterConnection,
  type ToolDefinition,
} from '#lib/extension-kit';
import type { JsonObject } from '#lib/mcp-protocol';
import { startGateway, type TestGateway } from '#lib/testing/kit';

class TelexEntry {
  @IsString() readonly office!: string;
  @IsOptional() @IsInt() readonly line?: number;
  @IsOptional() @Secret() @IsString() readonly passphrase?: string;
}

class TelexConnection extends ToolConnection {
  constructor(private readonly server: AdaptedServer<TelexEntry>) {
    super(server);
  }

  override async listTools(): Promise<readonly ToolDefinition[]> {
    return [{ name: 'send', description: 'Sends a message.', inputSchema: { type: 'object' } }];
  }

  override async callTool(name: string, { text }: JsonObject): Promise<JsonObject> {
    if (name !== 'send') throw new UnknownTool(name);
    if (text === 'unsent') throw new TransportFailure('the line is busy', { sent: false });
    if (text === 'hang') return new Promise(() => undefined);
    if (text === 'leak') throw new Error(`line cut, passphrase was ${this.server.entry.passphrase ?? ''}`);
    return textResult(`${this.server.entry.office}: ${JSON.stringify(text)}`);
  }
}

@ConnectsUpstream('telex', { entry: TelexEntry })
class TelexAdapter extends UpstreamAdapter<TelexEntry> {
  override async connect(server: AdaptedServer<TelexEntry>): Promise<AdapterConnection> {
    if (server.entry.office === 'Nowhere') throw new Error('no such office');
    if (server.entry.office === 'Asleep') return new Promise(() => undefined);
    return new TelexConnection(server);
  }
}

@Module({ providers: [TelexAdapter] })
class TelexModule {}

const OFFICE = { transport: 'telex', office: 'Oslo', passphrase: 'fjord-and-fjell' };

async function withGateway<T>(
  options: Parameters<typeof startGateway>[0],
  use: (gateway: TestGateway, admin: Requester) => Promise<T>,
): Promise<T> {
  const gateway = await startGateway(options);
  try {
    const authorization = `Bearer ${await gateway.token({ roles: ['admin'] })}`;
    const admin: Requester = async (method, path, body) => {
      const init = { method, headers: { authorization, 'content-type': 'application/json', 'if-match': '*' } };
      const answer = await fetch(`${gateway.url}${path}`, {
        ...init,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as JsonObject) };
    };
    return await use(gateway, admin);
  } finally {
    await gateway.close();
  }
}

type Requester = (method: string, path: string, body?: unknown) => Promise<{ status: number; body: JsonObject }>;

const call = (admin: Requester, name: string, args: JsonObject) =>
  admin('POST', '/rpc', { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } });

describe('a kind of server that an extension connects', () => {
  it('is called, configured by the file and the admin API, tested, documented and exported', async () => {
    const servers = { oslo: { ...OFFICE, title: 'Oslo' } };
    await withGateway({ servers, extensions: [TelexModule] }, async (_gateway, admin) => {
      const called = await call(admin, 'oslo__send', { text: 'hello' });
      expect(called.body['result']).toMatchObject({ content: [{ type: 'text', text: 'Oslo: "hello"' }] });
      const created = await admin('POST', '/admin/v1/servers', {
        slug: 'bergen',
        entry: { ...OFFICE, office: 'Bergen' },
      });
      expect(created).toMatchObject({
        status: 201,
        body: { usable: true, entry: { transport: 'telex', office: 'Bergen', passphrase: '[kept]' } },
      });
      const tested = await admin('POST', '/admin/v1/servers/bergen/test');
      expect(tested.body).toMatchObject({ reachable: true, era: 'modern', tools: 1 });
      const exported = await admin('GET', '/admin/v1/export');
      expect(JSON.stringify(exported.body)).toContain('Bergen');
      expect(JSON.stringify(exported.body)).not.toContain(OFFICE.passphrase);
      const listed = await admin('GET', '/admin/v1/servers?transport=telex');
      expect(JSON.stringify(listed.body)).not.toContain(OFFICE.passphrase);
      const document = await admin('GET', '/admin/v1/openapi.json');
      expect(document.body).toMatchObject({
        components: {
          schemas: { ContributedTelexEntry: { properties: { transport: { const: 'telex' }, office: {}, title: {} } } },
        },
      });
    });
  });

  it('reports what an adapter throws as unknown, without the credentials of the entry', async () => {
    await withGateway({ servers: { oslo: OFFICE }, extensions: [TelexModule] }, async (_gateway, admin) => {
      const { body } = await call(admin, 'oslo__send', { text: 'leak' });
      expect(body['error']).toMatchObject({ code: -31002, data: { outcome: 'unknown', server: 'oslo' } });
      expect(JSON.stringify(body)).not.toContain(OFFICE.passphrase);
      expect(JSON.stringify(body)).toContain('line cut');
    });
  });

  it('reports a call that the adapter states as not sent as not executed, and a connection that fails too', async () => {
    const servers = { oslo: OFFICE, lost: { ...OFFICE, office: 'Nowhere' } };
    await withGateway({ servers, extensions: [TelexModule] }, async (_gateway, admin) => {
      const unsent = await call(admin, 'oslo__send', { text: 'unsent' });
      expect(unsent.body['error']).toMatchObject({ code: -31004, data: { outcome: 'not_executed' } });
      const tested = await admin('POST', '/admin/v1/servers/lost/test');
      expect(tested.body).toMatchObject({ reachable: false, code: -31004 });
      expect(JSON.stringify(tested.body)).toContain('no such office');
    });
  });

  it('ends calls and connections of an adapter that hangs', async () => {
    const timeouts = { connect: '200ms', request: '200ms' };
    const servers = { oslo: { ...OFFICE, timeouts }, asleep: { ...OFFICE, office: 'Asleep', timeouts } };
    await withGateway({ servers, extensions: [TelexModule] }, async (_gateway, admin) => {
      const hanging = await call(admin, 'oslo__send', { text: 'hang' });
      expect(hanging.body['error']).toMatchObject({ code: -31002, data: { outcome: 'unknown' } });
      const tested = await admin('POST', '/admin/v1/servers/asleep/test');
      expect(tested.body).toMatchObject({ reachable: false });
    });
  });

  it('names the member of an entry that breaks a rule', async () => {
    await withGateway({ extensions: [TelexModule] }, async (_gateway, admin) => {
      const entry = { transport: 'telex', line: 'x', ofice: 'Oslo' };
      const refused = await admin('POST', '/admin/v1/servers', { slug: 'oslo', entry });
      expect(refused.status).toBe(422);
      const text = JSON.stringify(refused.body);
      for (const part of ['office', 'must be a whole number', 'Did you mean office?']) expect(text).toContain(part);
    });
  });

  it('stays listed without the extension, as a server that cannot be reached, and shows none of its members', async () => {
    await withGateway({ servers: { oslo: { ...OFFICE, transport: 'pigeon' } } }, async (_gateway, admin) => {
      const { body } = await admin('GET', '/admin/v1/servers/oslo');
      expect(body).toMatchObject({ usable: false, entry: { transport: 'pigeon', office: '[kept]' } });
      expect(JSON.stringify(body['faults'])).toContain('servers of the kind \\"pigeon\\"');
      const tested = await admin('POST', '/admin/v1/servers/oslo/test');
      expect(tested.body).toMatchObject({ reachable: false, code: -31004 });
      const entry = { ...OFFICE, transport: 'pigeon' };
      expect(await admin('POST', '/admin/v1/servers', { slug: 'bergen', entry })).toMatchObject({ status: 422 });
    });
  });

  it('prevents the start when two adapters connect it, and names both', async () => {
    @ConnectsUpstream('http', { entry: TelexEntry })
    class OtherHttp extends TelexAdapter {}
    @Module({ providers: [OtherHttp] })
    class Acme {}
    await expect(startGateway({ extensions: [Acme] })).rejects.toThrow(
      /(HttpAdapter.*OtherHttp|OtherHttp.*HttpAdapter).* both connect servers of the kind "http"/,
    );
  });

  it('prevents the start when a factory makes its adapter for another token', async () => {
    @Module({ providers: [{ provide: 'telex', useFactory: () => new TelexAdapter() }] })
    class Acme {}
    await expect(startGateway({ extensions: [Acme] })).rejects.toThrow('Provide it under its class');
  });
});
