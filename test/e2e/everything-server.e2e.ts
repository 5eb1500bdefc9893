import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENTS } from '../matrix/clients.js';
import { everythingCommand, startEverything, type EverythingServer } from '../support/everything-server.js';
import { startGateway, type TestGateway } from '../support/gateway.js';
import { textOf, type SdkClient } from '../support/sdk-client.js';

const servers: EverythingServer[] = [];
let gateway: TestGateway;

beforeAll(async () => {
  const [sse, http] = await Promise.all([startEverything('sse'), startEverything('streamableHttp')]);
  servers.push(sse, http);
  gateway = await startGateway({
    servers: {
      stdio: { transport: 'stdio', ...everythingCommand },
      sse: { transport: 'sse', url: sse.url },
      http: { transport: 'http', url: http.url },
      // The gateway tries streamable HTTP first, and detects HTTP+SSE.
      found: { transport: 'http', url: sse.url },
    },
  });
});

afterAll(async () => {
  await gateway.close();
  await Promise.all(servers.map((server) => server.close()));
});

describe.each(CLIENTS)('$name against the "everything" server', (kind) => {
  describe.each(['stdio', 'sse', 'http', 'found'])('over transport "%s"', (slug) => {
    describe.each([
      { endpoint: 'transparent', base: `/servers/${slug}`, name: '', uri: '' },
      { endpoint: 'default', base: '', name: `${slug}__`, uri: `${slug}+` },
    ])('at the $endpoint endpoint', ({ base, name, uri }) => {
      let client: SdkClient;

      beforeAll(async () => {
        client = await kind.connect({ url: `${gateway.url}${base}/${kind.path}`, token: await gateway.token() });
      });

      afterAll(() => client.close());

      it('lists and calls tools', async () => {
        const tools = (await client.list('tools')).map((tool) => tool['name']);
        expect(tools).toEqual(expect.arrayContaining([`${name}echo`, `${name}get-sum`]));
        expect(textOf(await client.call(`${name}echo`, { message: 'hello' }))).toBe('Echo: hello');
        const sum = await client.call(`${name}get-sum`, { a: 19, b: 23 });
        expect(textOf(sum)).toBe('The sum of 19 and 23 is 42.');
        const image = await client.call(`${name}get-tiny-image`);
        expect(image.content.map(({ type }) => type)).toContain('image');
        const weather = await client.call(`${name}get-structured-content`, { location: 'New York' });
        expect(weather.structuredContent).toMatchObject({ temperature: expect.any(Number) });
      });

      it('receives progress', async () => {
        const steps: number[] = [];
        const onprogress = ({ progress }: { progress: number }) => void steps.push(progress);
        // Long enough that a client on a busy machine receives a step before the answer.
        const operation = { duration: 0.4, steps: 2 };
        const done = await client.call(`${name}trigger-long-running-operation`, operation, { onprogress });
        expect(textOf(done)).toMatch(/completed/);
        expect(steps[0]).toBe(1);
      });

      it('lists and reads resources', async () => {
        const uris = (await client.list('resources')).map((resource) => resource['uri'] as string);
        const listed = uris.find((each) => each.startsWith(uri)) ?? 'none';
        expect(await client.read(listed)).toMatchObject([{ uri: listed, text: expect.any(String) }]);
        const templates = await client.list('resourceTemplates');
        expect(templates.length).toBeGreaterThan(0);
        const dynamic = `${uri}demo://resource/dynamic/text/1`;
        expect(await client.read(dynamic)).toMatchObject([
          { uri: dynamic, text: expect.stringContaining('Resource 1') },
        ]);
      });

      it('lists and gets prompts', async () => {
        const prompts = (await client.list('prompts')).map((prompt) => prompt['name']);
        expect(prompts).toEqual(expect.arrayContaining([`${name}simple-prompt`, `${name}args-prompt`]));
        const said = await client.prompt(`${name}args-prompt`, { city: 'Lisbon' });
        expect(said).toMatchObject([{ role: 'user', content: { text: expect.stringContaining('Lisbon') } }]);
      });
    });
  });
});
