/** @runs-alone */
/** What a thousand clients that listen cost a server, and what reaches each of them. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { WorkerBus } from '#lib/worker-bus';
import { startCountingServer, type CountingServer } from '../support/counting-server.js';
import { startGatewayPair } from '../support/gateway-pair.js';
import { startGateway } from '../support/gateway.js';
import { ListeningCrowd } from '../support/listening-crowd.js';

const MANY = 1_000;
const CHANGES = 100;
const WATCHED = 'test://watched-resource';
const TOUCHED = 'test://touched-resource';
const TOOLS_CHANGED = 'notifications/tools/list_changed';
const UPDATED = 'notifications/resources/updated';
const WANTED = { toolsListChanged: true, resourceSubscriptions: [WATCHED] };

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

async function serverOf(era: 'legacy' | 'modern'): Promise<CountingServer> {
  const server = await startCountingServer({ era, transport: 'http' });
  closing.push(() => server.close());
  return server;
}

/** Clients that listen at these endpoints in turn, on behalf of these callers in turn. */
async function crowdAt(
  urls: readonly string[],
  tokens: readonly string[],
  notifications = WANTED,
): Promise<ListeningCrowd> {
  const crowd = new ListeningCrowd();
  closing.push(() => crowd.leave());
  for (let index = 0; index < MANY; index += 1) {
    const url = urls[index % urls.length] ?? '';
    crowd.join({ url: `${url}/servers/ref/mcp`, token: tokens[index % tokens.length] ?? '', notifications });
  }
  await crowd.until(({ honoured }) => honoured !== undefined);
  return crowd;
}

/** A hundred changes of the tools at once, and then one of the resource, of which each client is told last. */
async function burst({ server: { world } }: CountingServer, crowd: ListeningCrowd): Promise<void> {
  for (let count = 0; count < CHANGES; count += 1) world.toggleExtra('tools');
  await crowd.until((member) => member.heard(TOOLS_CHANGED) > 0);
  world.touch(WATCHED);
  await crowd.until((member) => member.heard(UPDATED) > 0);
}

function expectFewNotifications(crowd: ListeningCrowd): void {
  const counts = crowd.members.map((member) => member.heard(TOOLS_CHANGED));
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(1);
  expect(Math.max(...counts)).toBeLessThanOrEqual(2);
}

describe('a thousand clients of ten callers', () => {
  it('cost a modern server one stream; a burst of a hundred changes reaches each once or twice', async () => {
    const server = await serverOf('modern');
    const gateway = await startGateway({ servers: { ref: server.definition } });
    closing.push(() => gateway.close());
    const subjects = Array.from({ length: 10 }, (_, index) => `subject-${index}`);
    const tokens = await Promise.all(subjects.map((subject) => gateway.token({ subject })));
    const crowd = await crowdAt([gateway.url], tokens);
    expect(crowd.members.every(({ honoured }) => JSON.stringify(honoured) === JSON.stringify(WANTED))).toBe(true);
    expect([server.requests.count('subscriptions/listen'), server.requests.open('subscriptions/listen')]).toEqual([
      1, 1,
    ]);
    await burst(server, crowd);
    expectFewNotifications(crowd);
    expect(server.requests.count('subscriptions/listen')).toBe(1);
  });
});

describe('a thousand clients of one caller', () => {
  it('cost a legacy server one session, and one subscription for each resource', async () => {
    const server = await serverOf('legacy');
    const gateway = await startGateway({ servers: { ref: server.definition } });
    closing.push(() => gateway.close());
    const notifications = { toolsListChanged: true, resourceSubscriptions: [WATCHED, TOUCHED] };
    const crowd = await crowdAt([gateway.url], [await gateway.token()], notifications);
    expect(crowd.members[MANY - 1]?.honoured).toEqual(notifications);
    expect([server.server.openSessions, server.requests.count('initialize')]).toEqual([1, 1]);
    for (const uri of [WATCHED, TOUCHED]) expect(server.requests.count('resources/subscribe', uri)).toBe(1);
    await burst(server, crowd);
    expectFewNotifications(crowd);
  });
});

describe('a thousand clients at two workers', () => {
  /** Exchanges of a worker by which it listens over the other one's connection. */
  const listensElsewhere = (worker: NestFastifyApplication) => jest.spyOn(worker.get(WorkerBus), 'request');

  it('cost a modern server one stream of each worker', async () => {
    const server = await serverOf('modern');
    const pair = await startGatewayPair({ servers: { ref: server.definition } });
    closing.push(() => pair.close());
    const crowd = await crowdAt([pair.ownerUrl, pair.otherUrl], [await pair.token()]);
    expect([server.requests.count('subscriptions/listen'), server.requests.open('subscriptions/listen')]).toEqual([
      2, 2,
    ]);
    await burst(server, crowd);
    expectFewNotifications(crowd);
  });

  it('cost a legacy server one session, and the workers one exchange between them', async () => {
    const server = await serverOf('legacy');
    const pair = await startGatewayPair({ servers: { ref: server.definition } });
    closing.push(() => pair.close());
    const exchanges = [pair.owner, pair.other].map(listensElsewhere);
    const crowd = await crowdAt([pair.ownerUrl, pair.otherUrl], [await pair.token()]);
    expect([server.server.openSessions, server.requests.count('initialize')]).toEqual([1, 1]);
    expect(server.requests.count('resources/subscribe', WATCHED)).toBe(1);
    const listens = exchanges.flatMap(({ mock }) => mock.calls.filter(([order]) => order.pattern === 'pool.listen'));
    expect(listens).toHaveLength(1);
    await burst(server, crowd);
    expectFewNotifications(crowd);
  });
});
