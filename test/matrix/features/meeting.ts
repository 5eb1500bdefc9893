import { expect } from 'expect';
import type { FeatureGroup } from '../feature.js';

const TRACE = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: 'vendor=opaque',
  baggage: 'user=ada',
};

export const MEETING: FeatureGroup = {
  title: 'Meeting',
  features: [
    {
      name: 'learns what there is to use',
      async run({ client, clientKind }) {
        expect(client.capabilities).toMatchObject({
          tools: {},
          prompts: {},
          resources: {},
          completions: {},
          logging: {},
        });
        // The first generation does not say it over HTTP+SSE.
        if (client.revision !== undefined) expect(client.revision).toBe(clientKind.revision);
      },
    },
    {
      name: 'learns whom it speaks to, and is given the instructions',
      async run({ client, endpoint }) {
        expect(client.serverName).toBe(endpoint === 'transparent' ? 'isthmus-reference-server' : 'isthmus');
        // Behind an endpoint of many servers there is no single one whose instructions they were.
        if (endpoint === 'transparent') expect(client.instructions).toMatch(/every feature of the protocol/);
      },
    },
    {
      name: 'pings',
      run: async ({ client }) => expect(await client.ping()).toEqual({}),
      instead: ({ clientKind }) =>
        clientKind.era === 'modern'
          ? {
              why: 'This revision has no ping, and the client does not send one.',
              run: async ({ client }) => expect(client.ping()).rejects.toThrow(),
            }
          : undefined,
    },
    {
      name: 'has its trace context carried through',
      async run({ client, name }) {
        const seen = await client.call(name('echo_meta'), {}, { meta: TRACE });
        expect(seen.structuredContent).toMatchObject(TRACE);
      },
    },
  ],
};
