import { afterAll, beforeAll, describe, it } from '@jest/globals';
import type { ConnectOrder, SdkClient } from '../support/sdk-client.js';
import { CLIENTS } from './clients.js';
import type { Cell, FeatureGroup, Kinds } from './feature.js';
import { SERVERS } from './servers.js';
import type { EndpointKind, RunningWorkers, WorkersKind } from './workers.js';

interface Place extends Kinds {
  readonly endpoint: EndpointKind;
}

/** Writes one test for each feature, client, server and endpoint. */
export function describeCells(workers: WorkersKind, groups: readonly FeatureGroup[]): void {
  const closing: (() => Promise<void>)[] = [];
  let running: RunningWorkers;

  beforeAll(async () => {
    const started = await Promise.all(SERVERS.map((kind) => kind.start()));
    const servers = Object.fromEntries(SERVERS.map(({ slug }, index) => [slug, started[index]!.definition]));
    closing.push(...started.map(({ close }) => close));
    running = await workers.start({ servers, env: { ISTHMUS_LIST_PAGE_SIZE: '150' } });
    closing.push(() => running.close());
  });

  afterAll(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  const places = CLIENTS.flatMap((clientKind) =>
    SERVERS.flatMap((serverKind) => workers.endpoints.map((endpoint) => ({ clientKind, serverKind, endpoint }))),
  );
  for (const place of places) {
    // The colon makes the whole name of a test a sentence: who and where, then what.
    describe(`${nameOf(place, workers)}:`, () => describePlace(place, groups, () => running));
  }
}

function describePlace(place: Place, groups: readonly FeatureGroup[], running: () => RunningWorkers): void {
  const clients: SdkClient[] = [];
  let cell: Cell;

  beforeAll(async () => {
    const url = urlOf(place, running().url);
    const connect = async (order: Partial<ConnectOrder> = {}) => {
      const client = await place.clientKind.connect({ url, token: await running().token(), ...order });
      clients.push(client);
      return client;
    };
    cell = { ...place, url, client: await connect(), ...namesOf(place), connect };
  });

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
  });

  for (const feature of groups.flatMap(({ features }) => features)) {
    const instead = feature.instead?.(place);
    const refusal = instead ? `: no. ${instead.why}` : '';
    const { run: judge } = instead ?? feature;
    it(`${feature.name}${refusal}`, () => judge(cell));
  }
}

function nameOf({ clientKind, serverKind, endpoint }: Place, workers: WorkersKind): string {
  const among = endpoint === 'default' ? ' among other servers' : '';
  return `${clientKind.name} with ${serverKind.slug}${among} over ${workers.name}`;
}

function urlOf({ clientKind, serverKind, endpoint }: Place, base: string): string {
  return `${base}${endpoint === 'default' ? '' : `/servers/${serverKind.slug}`}/${clientKind.path}`;
}

function namesOf({ serverKind: { slug }, endpoint }: Place): Pick<Cell, 'name' | 'uri'> {
  if (endpoint === 'transparent') return { name: (own) => own, uri: (own) => own };
  return { name: (own) => `${slug}__${own}`, uri: (own) => `${slug}+${own}` };
}
