import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { scaledDuration } from '#lib/testing/machine-speed';
import type { ConnectOrder, SdkClient } from '../support/sdk-client.js';
import type { Cell, FeatureGroup } from './feature.js';
import { namesAt, placesOf, titleOf, urlAt, type Place } from './places.js';
import { SERVERS } from './servers.js';
import type { RunningWorkers, WorkersKind } from './workers.js';

const SETTINGS = {
  // Where all servers are listed there is more than one page.
  ISTHMUS_LIST_PAGE_SIZE: '150',
  // On a busy machine a child process takes its time to start, and a server to list: neither says anything of it.
  ISTHMUS_UPSTREAM_PROBE_TIMEOUT: scaledDuration(20_000),
  ISTHMUS_LIST_PATIENCE: scaledDuration(20_000),
};

/** Writes one test for each feature, client, server and endpoint. */
export function describeCells(workers: WorkersKind, groups: readonly FeatureGroup[]): void {
  const closing: (() => Promise<void>)[] = [];
  let running: RunningWorkers;

  beforeAll(async () => {
    const started = await Promise.all(SERVERS.map((kind) => kind.start()));
    const servers = Object.fromEntries(SERVERS.map(({ slug }, index) => [slug, started[index]!.definition]));
    closing.push(...started.map(({ close }) => close));
    running = await workers.start({ servers, env: SETTINGS });
    closing.push(() => running.close());
  });

  afterAll(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  for (const place of placesOf(workers)) {
    // The colon makes one name of who and where, and what.
    describe(`${titleOf(place, workers)}:`, () => {
      describePlace(place, groups, () => running);
    });
  }
}

function describePlace(place: Place, groups: readonly FeatureGroup[], running: () => RunningWorkers): void {
  const clients: SdkClient[] = [];
  let cell: Cell;

  beforeAll(async () => {
    const url = urlAt(place, running().url);
    const connect = async (order: Partial<ConnectOrder> = {}) => {
      const client = await place.clientKind.connect({ url, token: await running().token(), ...order });
      clients.push(client);
      return client;
    };
    cell = { ...place, url, client: await connect(), ...namesAt(place), connect };
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
