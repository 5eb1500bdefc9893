import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import {
  InjectDefault,
  PlacementStrategy,
  SecretStore,
  UpstreamCredentials,
  type Credentials,
  type CredentialsRequest,
  type PlacementRequest,
  type SecretContext,
} from '#lib/extension-kit';
import { startGateway, startToolServer, type TestGateway, type ToolServer } from '#lib/testing/kit';

/** Sends the subject of the caller to the server, as a token of the caller would be. */
class SubjectCredentials extends UpstreamCredentials {
  override credentialsFor({ caller }: CredentialsRequest): Credentials {
    return { headers: { authorization: `Bearer ${caller?.principal.subject ?? 'gateway'}` } };
  }
}

const placed: PlacementRequest[] = [];

class RecordedPlacement extends PlacementStrategy {
  constructor(@InjectDefault(PlacementStrategy) private readonly standard: PlacementStrategy) {
    super();
  }
  override place(request: PlacementRequest): string {
    placed.push(request);
    return this.standard.place(request);
  }
}

const stored: string[] = [];

/** Marks what it seals. */
class MarkedSecrets extends SecretStore {
  constructor(@InjectDefault(SecretStore) private readonly standard: SecretStore) {
    super();
  }
  override async seal(text: string, context: SecretContext): Promise<string> {
    stored.push(context.entry);
    return `acme:${await this.standard.seal(text, context)}`;
  }
  override open(sealed: string, context: SecretContext): ReturnType<SecretStore['open']> {
    return sealed.startsWith('acme:') ? this.standard.open(sealed.slice(5), context) : undefined;
  }
}

@Module({
  providers: [
    { provide: UpstreamCredentials, useClass: SubjectCredentials },
    { provide: PlacementStrategy, useClass: RecordedPlacement },
    { provide: SecretStore, useClass: MarkedSecrets },
  ],
  exports: [UpstreamCredentials, PlacementStrategy, SecretStore],
})
class AcmeModule {}

let server: ToolServer;
let gateway: TestGateway;

beforeAll(async () => {
  server = await startToolServer({ ping: { run: () => 'pong' } });
  const files = { transport: 'http', url: server.url, headers: { authorization: 'Bearer entry' }, isolation: 'none' };
  gateway = await startGateway({
    servers: { files, old: { ...files, era: 'legacy' } },
    extensions: [AcmeModule],
  });
});
afterAll(async () => {
  await gateway.close();
  await server.close();
});

async function call(subject: string, tool: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${await gateway.token({ subject })}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: tool, arguments: {} } });
  return (await fetch(`${gateway.url}/rpc`, { method: 'POST', headers, body })).json();
}

const sorted = (texts: readonly (string | undefined)[]) =>
  texts.map(String).toSorted((one, other) => one.localeCompare(other));

describe('a gateway whose strategies an extension replaces', () => {
  it.each(['files__ping', 'old__ping'])(
    'authenticates each call of %s with the credentials of its caller, also at once',
    async (tool) => {
      const subjects = ['ada', 'bob', 'ada', 'eve', 'bob', 'ada'];
      const before = server.calls.length;
      const answers = await Promise.all(subjects.map((subject) => call(subject, tool)));
      for (const answer of answers) expect(answer).toMatchObject({ result: { content: [{ text: 'pong' }] } });
      const sent = server.calls.slice(before).map(({ headers }) => headers['authorization']);
      expect(sorted(sent)).toEqual(sorted(subjects.map((subject) => `Bearer ${subject}`)));
    },
  );

  it('seals the credentials of entries with the store of the extension', () => {
    expect(stored).toEqual(expect.arrayContaining(['files', 'old']));
  });

  it('lets the extension place the connections that all workers would share', async () => {
    await call('ada', 'old__ping');
    expect(placed[0]).toMatchObject({ server: { slug: 'old' }, workers: [expect.any(String)] });
  });
});
