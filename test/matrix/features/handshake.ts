import { expect } from 'expect';
import type { FeatureGroup } from '../feature.js';

const TRACE = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=opaque',
  baggage: 'user=ada',
};

export const HANDSHAKE: FeatureGroup = {
  title: 'Handshake',
  features: [
    {
      name: 'receives the capabilities and the negotiated revision',
      async run({ client, clientKind }) {
        expect(client.capabilities).toMatchObject({
          tools: {},
          prompts: {},
          resources: {},
          completions: {},
          logging: {},
        });
        // The first generation of the SDK does not expose the revision over HTTP+SSE.
        if (client.revision !== undefined) expect(client.revision).toBe(clientKind.revision);
      },
    },
    {
      name: 'receives the name and the instructions of the server',
      async run({ client, endpoint }) {
        expect(client.serverName).toBe(endpoint === 'transparent' ? 'isthmus-reference-server' : 'isthmus');
        // The endpoint of all servers has no instructions, because they would belong to one of the servers.
        if (endpoint === 'transparent') expect(client.instructions).toMatch(/every feature of the protocol/);
      },
    },
    {
      name: 'sends a ping',
      run: async ({ client }) => expect(await client.ping()).toEqual({}),
      limitation: ({ clientKind }) =>
        clientKind.era === 'modern'
          ? {
              reason: 'This revision has no ping, and the client does not send one.',
              run: async ({ client }) => expect(client.ping()).rejects.toThrow(),
            }
          : undefined,
    },
    {
      name: 'passes its trace context on to the server',
      async run({ client, name }) {
        const echoed = await client.call(name('echo_meta'), {}, { meta: TRACE });
        expect(echoed.structuredContent).toMatchObject(TRACE);
      },
    },
  ],
};
