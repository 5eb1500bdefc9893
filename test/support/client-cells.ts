import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CLIENT_KINDS, type ClientKind } from './client-kinds.js';
import { startGateway, type TestGateway } from './gateway.js';
import type { ConnectOrder, SdkClient } from './sdk-client.js';
import { SERVER_KINDS, type ServerKind } from './server-kinds.js';

export const ENDPOINTS = ['transparent', 'default'] as const;

export type EndpointKind = (typeof ENDPOINTS)[number];

/** One client, connected to one server through one endpoint. */
export interface Cell {
  readonly clientKind: ClientKind;
  readonly serverKind: ServerKind;
  readonly endpoint: EndpointKind;
  readonly client: SdkClient;
  readonly gateway: TestGateway;
  /** The public name of a tool or prompt of the cell's server. */
  name(own: string): string;
  /** The public URI of a resource of the cell's server. */
  uri(own: string): string;
  /** One more client of the same kind at the same endpoint. */
  connect(order?: Partial<ConnectOrder>): Promise<SdkClient>;
}

/** What should work in a cell, or why it cannot and how that shows. */
export interface Feature {
  readonly name: string;
  readonly run: (cell: Cell) => Promise<void>;
  readonly instead?: (kinds: Pick<Cell, 'clientKind' | 'serverKind' | 'endpoint'>) => Instead | undefined;
}

export interface Instead {
  /** A sentence. */
  readonly why: string;
  readonly run: (cell: Cell) => Promise<void>;
}

/** Writes one test for each feature, client, server and endpoint. */
export function describeCells(features: readonly Feature[]): void {
  const closing: (() => Promise<void>)[] = [];
  let gateway: TestGateway;

  beforeAll(async () => {
    const started = await Promise.all(SERVER_KINDS.map((kind) => kind.start()));
    const servers = Object.fromEntries(SERVER_KINDS.map(({ slug }, index) => [slug, started[index]!.definition]));
    gateway = await startGateway({ servers, env: { ISTHMUS_LIST_PAGE_SIZE: '150' } });
    closing.push(...started.map(({ close }) => close), () => gateway.close());
  });

  afterAll(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  const combinations = CLIENT_KINDS.flatMap((clientKind) =>
    SERVER_KINDS.flatMap((serverKind) => ENDPOINTS.map((endpoint) => ({ clientKind, serverKind, endpoint }))),
  );
  for (const kinds of combinations) {
    describe(`${kinds.clientKind.name} with ${kinds.serverKind.slug} at the ${kinds.endpoint} endpoint`, () => {
      const clients: SdkClient[] = [];
      let cell: Cell;

      beforeAll(async () => {
        const connect = async (order: Partial<ConnectOrder> = {}) => {
          const client = await connectTo(gateway, kinds, order);
          clients.push(client);
          return client;
        };
        cell = { ...kinds, gateway, client: await connect(), ...namesOf(kinds), connect };
      });

      afterAll(async () => {
        await Promise.all(clients.map((client) => client.close()));
      });

      for (const feature of features) {
        const instead = feature.instead?.(kinds);
        const refusal = instead ? `: no. ${instead.why}` : '';
        const { run: judge } = instead ?? feature;
        it(`${feature.name}${refusal}`, () => judge(cell));
      }
    });
  }
}

type Kinds = Pick<Cell, 'clientKind' | 'serverKind' | 'endpoint'>;

async function connectTo(gateway: TestGateway, kinds: Kinds, order: Partial<ConnectOrder>): Promise<SdkClient> {
  const { clientKind, serverKind, endpoint } = kinds;
  const base = endpoint === 'default' ? '' : `/servers/${serverKind.slug}`;
  const url = `${gateway.url}${base}/${clientKind.path}`;
  return clientKind.connect({ url, token: await gateway.token(), ...order });
}

function namesOf({ serverKind: { slug }, endpoint }: Kinds): Pick<Cell, 'name' | 'uri'> {
  if (endpoint === 'transparent') return { name: (own) => own, uri: (own) => own };
  return { name: (own) => `${slug}__${own}`, uri: (own) => `${slug}+${own}` };
}

/** An error, or a result that says that it is one: never a success. */
export async function expectHonestFailure(answering: Promise<unknown>): Promise<unknown> {
  const answer = await answering.catch((cause: unknown) => cause);
  if (!(answer instanceof Error)) expect(answer).toMatchObject({ isError: true });
  return answer;
}
