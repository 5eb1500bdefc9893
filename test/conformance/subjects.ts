import { join } from 'node:path';
import { startReferenceServer } from '#lib/testing/reference-server';
import type { Era } from '#lib/mcp-protocol';

import { startGateway } from '../support/gateway.js';
import type { Revision } from './suite.js';

/** A server that the suite can test. */
export interface Subject {
  name: string;
  revision: Revision;
  /** Checks that this server cannot pass: "scenario check" to the reason. */
  excused?: Readonly<Record<string, string>>;
  start(): Promise<{ url: string; close(): Promise<void> }>;
}

/** The reference servers by themselves: the score that a gateway in front of them has to reach. */
export const directSubjects: Subject[] = [
  {
    name: 'the legacy reference server itself',
    revision: '2025-11-25',
    start: () => startReferenceServer({ era: 'legacy', transport: 'http' }),
  },
  {
    name: 'the modern reference server itself',
    revision: '2026-07-28',
    start: () => startReferenceServer({ era: 'modern', transport: 'http' }),
  },
];

const REVISION: Record<Era, Revision> = { legacy: '2025-11-25', modern: '2026-07-28' };
const OTHER_REVISION: Record<Era, Revision> = { legacy: '2026-07-28', modern: '2025-11-25' };
const REFERENCE_SERVER = join(process.cwd(), 'dist/libs/testing/reference-server/main.js');

/** The same servers behind a transparent endpoint of the gateway, over HTTP and as child processes. */
export const gatewaySubjects: Subject[] = (['legacy', 'modern'] as const).flatMap((era) => [
  {
    name: `the gateway in front of the ${era} reference server over HTTP`,
    revision: REVISION[era],
    start: async () => {
      const server = await startReferenceServer({ era, transport: 'http' });
      return behindGateway({ transport: 'http', url: server.url }, () => server.close());
    },
  },
  {
    name: `the gateway in front of the ${era} reference server over stdio`,
    revision: REVISION[era],
    start: () =>
      behindGateway({
        transport: 'stdio',
        command: process.execPath,
        args: [REFERENCE_SERVER, '--era', era, '--transport', 'stdio'],
        // The suite sends no token, and a process of its own for each anonymous request would forget its request states.
        isolation: 'none',
      }),
  },
]);

/** Checks that no gateway can pass in front of a legacy server. */
const EXCUSED: Record<Era, Readonly<Record<string, string>>> = {
  modern: {},
  legacy: {
    'input-required-result-basic-elicitation sep-2322-elicitation-incomplete':
      "the suite expects its own key; a legacy server's question has none, so the gateway generates one",
    'input-required-result-ignore-extra-params sep-2322-ignore-unexpected-params':
      'the suite answers without the request state, which alone identifies the parked call at a legacy server',
  },
};

/** The suite of one era at the transparent endpoint in front of a server that supports the other era only. */
export const crossingSubjects: Subject[] = (['legacy', 'modern'] as const).map((era) => ({
  name: `the gateway in front of the ${era} reference server`,
  revision: OTHER_REVISION[era],
  excused: EXCUSED[era],
  start: async () => {
    const server = await startReferenceServer({ era, transport: 'http' });
    return behindGateway({ transport: 'http', url: server.url }, () => server.close());
  },
}));

/** The suite sends no token, so the endpoint is public. */
async function behindGateway(server: object, closeServer: () => Promise<void> = () => Promise.resolve()) {
  const gateway = await startGateway({ servers: { reference: { ...server, public: true } } });
  const close = async () => {
    await gateway.close();
    await closeServer();
  };
  return { url: `${gateway.url}/servers/reference/mcp`, close };
}

/** A server that is already running. */
export function runningSubject(url: string, revision: Revision): Subject {
  return { name: url, revision, start: () => Promise.resolve({ url, close: () => Promise.resolve() }) };
}
