import { afterAll, beforeAll, describe, it } from '@jest/globals';
import { scaledDuration } from '#lib/testing/machine-speed';
import type { ConnectOptions, SdkClient } from '../support/sdk-client.js';
import type { Cell, FeatureGroup } from './feature.js';
import { toPublicNames, listCombinations, toTitle, toUrl, type Combination } from './combinations.js';
import { SERVERS } from './servers.js';
import type { LoadedExtension, RunningWorkers, WorkersKind } from './workers.js';

const SETTINGS = {
  // The lists of all servers together span more than one page.
  ISTHMUS_LIST_PAGE_SIZE: '150',
  // On a busy machine a child process starts slowly and a server lists slowly; neither may fail a test.
  ISTHMUS_UPSTREAM_PROBE_TIMEOUT: scaledDuration(20_000),
  ISTHMUS_LIST_PATIENCE: scaledDuration(20_000),
};

/** Writes one test for each feature, client, server and endpoint. */
export function describeCells(
  workers: WorkersKind,
  groups: readonly FeatureGroup[],
  extension?: LoadedExtension,
): void {
  const closing: (() => Promise<void>)[] = [];
  let running: RunningWorkers;

  beforeAll(async () => {
    const started = await Promise.all(SERVERS.map((kind) => kind.start()));
    const servers = Object.fromEntries(SERVERS.map(({ slug }, index) => [slug, started[index]!.definition]));
    closing.push(...started.map(({ close }) => close));
    running = await workers.start({ servers, env: SETTINGS }, extension);
    closing.push(() => running.close());
  });

  afterAll(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
  });

  for (const combination of listCombinations(workers)) {
    // The colon joins the combination and the feature to one test name.
    describe(`${toTitle(combination, workers)}:`, () => {
      describeCombination(combination, groups, () => running);
    });
  }
}

function describeCombination(
  combination: Combination,
  groups: readonly FeatureGroup[],
  running: () => RunningWorkers,
): void {
  const clients: SdkClient[] = [];
  let cell: Cell;

  beforeAll(async () => {
    const url = toUrl(combination, running().url);
    const connect = async (order: Partial<ConnectOptions> = {}) => {
      const client = await combination.clientKind.connect({ url, token: await running().token(), ...order });
      clients.push(client);
      return client;
    };
    cell = { ...combination, url, client: await connect(), ...toPublicNames(combination), connect };
  });

  afterAll(async () => {
    await Promise.all(clients.map((client) => client.close()));
  });

  for (const feature of groups.flatMap(({ features }) => features)) {
    const limitation = feature.limitation?.(combination);
    const note = limitation ? ` (impossible here: ${limitation.reason})` : '';
    const { run: judge } = limitation ?? feature;
    it(`${feature.name}${note}`, () => judge(cell));
  }
}
