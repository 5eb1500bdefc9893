import type { Behaviour, Carrier } from '#lib/testing/hostile-server';
import { CLIENT_TRANSPORTS, type ClientTransport, type RawAnswer, type RawClient } from '#lib/testing/raw-client';
import {
  disposableSlug,
  sessionEndingBehaviours,
  shortTimeoutSlug,
  immediateBehaviours,
  timeoutBehaviours,
  type HostileWorld,
} from './hostile-world.js';

/** One call and its answer, or the error when there was none. */
export interface Trial {
  readonly behaviour: Behaviour;
  readonly transport: ClientTransport;
  readonly mark: string;
  readonly answer: RawAnswer | Error;
}

const call = async (client: RawClient, behaviour: Behaviour, name = behaviour.name): Promise<Trial> => {
  const mark = crypto.randomUUID();
  const params = { name, arguments: { call: mark } };
  const answer = await client.request('tools/call', params).catch((cause: unknown) => cause as Error);
  return { behaviour, transport: client.transport, mark, answer };
};

async function oneByOne<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await run(item));
  return results;
}

async function withClient(world: HostileWorld, transport: ClientTransport, slug: string): Promise<RawClient | Error> {
  return world.client(transport, slug).catch((cause: unknown) => cause as Error);
}

async function ending(world: HostileWorld, carrier: Carrier, behaviour: Behaviour, transport: ClientTransport) {
  const client = await withClient(world, transport, disposableSlug(carrier, behaviour, transport));
  if (client instanceof Error) return { behaviour, transport, mark: 'never called', answer: client };
  const trial = await call(client, behaviour);
  await client.close();
  return trial;
}

/**
 * Runs every behaviour of a carrier over every client transport. Behaviours that only a timeout detects run
 * concurrently. Behaviours that end the upstream session have their own client and, over stdio, their own server.
 */
export async function runRound(world: HostileWorld, carrier: Carrier): Promise<Trial[]> {
  const rounds = CLIENT_TRANSPORTS.map(async (transport) => {
    const patient = await world.client(transport, carrier);
    const steady = await oneByOne(immediateBehaviours(carrier), (behaviour) => call(patient, behaviour));
    const impatient = await world.client(transport, shortTimeoutSlug(carrier));
    const waiting = await Promise.all(timeoutBehaviours(carrier).map((behaviour) => call(impatient, behaviour)));
    const ended = await oneByOne(sessionEndingBehaviours(carrier), (behaviour) =>
      ending(world, carrier, behaviour, transport),
    );
    return [...steady, ...waiting, ...ended];
  });
  return (await Promise.all(rounds)).flat();
}

/** Runs behaviours at the endpoint of all servers, under their public tool names. */
export async function runDefaultRound(world: HostileWorld, carrier: Carrier, behaviours: readonly Behaviour[]) {
  const rounds = CLIENT_TRANSPORTS.map(async (transport) => {
    const client = await world.client(transport);
    return oneByOne(behaviours, (behaviour) => call(client, behaviour, `${carrier}__${behaviour.name}`));
  });
  return (await Promise.all(rounds)).flat();
}
