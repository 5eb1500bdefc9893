/** A server's failure is never reported as a success: every fault of the table, for every client, over every transport. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  arrivalsOf,
  behaviourNamed,
  behavioursOf,
  CARRIERS,
  expectationOf,
  type Carrier,
} from '#lib/testing/hostile-server';
import { CLIENT_TRANSPORTS, type RawAnswer } from '#lib/testing/raw-client';
import { runDefaultRound, runRound, type Trial } from '../support/hostile-round.js';
import { toCallTitle } from '../support/behaviour-title.js';
import { HostileWorld, UPSTREAM_SECRET } from '../support/hostile-world.js';
import { comparableAnswer, expectAnswer } from '../support/answer-checks.js';

let world: HostileWorld;

beforeAll(async () => {
  world = await HostileWorld.start();
});

afterAll(async () => {
  await world?.close();
});

function answerOf(trial: Trial | undefined): RawAnswer {
  if (trial === undefined) throw new Error('The behaviour was not tried.');
  if (trial.answer instanceof Error) throw trial.answer;
  return trial.answer;
}

describe.each(CARRIERS)('a hostile server over %s', (carrier: Carrier) => {
  let trials: readonly Trial[] = [];
  const trialsOf = (name: string): Trial[] => trials.filter(({ behaviour }) => behaviour.name === name);

  beforeAll(async () => {
    trials = await runRound(world, carrier);
  });

  it.each(behavioursOf(carrier).map((each) => [toCallTitle(each, carrier), each.name]))('%s', (_title, name) => {
    const tried = trialsOf(name);
    expect(tried.map(({ transport }) => transport)).toEqual([...CLIENT_TRANSPORTS]);
    for (const trial of tried) {
      const answer = answerOf(trial);
      const expected = expectationOf(trial.behaviour, carrier);
      expectAnswer(answer, trial.transport, expected);
      expect(world.runs(carrier, trial.mark)).toBe(arrivalsOf(trial.behaviour, carrier));
      const differsByEra = trial.transport === 'modern' && expected.kind === 'error' && expected.toModern;
      if (!differsByEra) expect(comparableAnswer(answer)).toEqual(comparableAnswer(answerOf(tried[0])));
    }
  });

  it('a correct call of every client returns its result after all misbehaviours of the server', async () => {
    for (const transport of CLIENT_TRANSPORTS) {
      const client = await world.client(transport, carrier);
      const answer = await client.request('tools/call', { name: 'good', arguments: {} });
      expectAnswer(answer, transport, { kind: 'result', text: 'done' });
    }
  });
});

const SAMPLE = [
  'good',
  'plain-error',
  'http-401-detail',
  'http-403-oauth',
  'http-429-nest',
  'http-500-null',
  'http-502-html',
  'http-503-retry-nothing',
  'result-null',
  'body-empty',
  'body-null',
  'foreign-id',
  'stream-cut',
  'reset',
];

describe.each(['legacy-http', 'modern-http', 'sse'] as const)(
  'a hostile server over %s behind the endpoint of all servers',
  (carrier) => {
    const behaviours = SAMPLE.flatMap((name) => behaviourNamed(name) ?? []).filter(
      ({ carriers, untilTimeout }) => carriers.includes(carrier) && untilTimeout?.includes(carrier) !== true,
    );
    let trials: readonly Trial[] = [];

    beforeAll(async () => {
      trials = await runDefaultRound(world, carrier, behaviours);
    });

    it.each(behaviours.map((each) => [toCallTitle(each, carrier), each.name]))('%s', (_title, name) => {
      const tried = trials.filter(({ behaviour }) => behaviour.name === name);
      expect(tried).toHaveLength(CLIENT_TRANSPORTS.length);
      for (const trial of tried) {
        expectAnswer(answerOf(trial), trial.transport, expectationOf(trial.behaviour, carrier));
        expect(world.runs(carrier, trial.mark)).toBe(arrivalsOf(trial.behaviour, carrier));
      }
    });
  },
);

describe('the gateway, after all misbehaviours of servers', () => {
  it('has answered no request twice', () => {
    expect(world.surplus).toEqual([]);
  });

  it('has followed no redirect of a server', () => {
    for (const server of world.servers.values()) expect(server.counters.trapped).toEqual([]);
  });

  it('has sent the configured credentials to servers, and never the token of a client', () => {
    for (const { counters } of world.servers.values()) {
      expect(counters.arrivals.length).toBeGreaterThan(0);
      for (const { headers } of counters.arrivals) {
        expect(headers['authorization']).toBe(UPSTREAM_SECRET);
        const sent = JSON.stringify(headers);
        expect(world.tokensInUse.filter((token) => sent.includes(token))).toEqual([]);
      }
    }
  });

  it('has stopped reading endless answers', () => {
    for (const { counters } of world.servers.values()) expect(counters.flooded).toBeLessThan(512 * 1024 * 1024);
  });

  it('continues a session whose upstream session was lost', async () => {
    const client = await world.client('legacy', 'legacy-http');
    await client.request('tools/call', { name: 'forgotten-session', arguments: {} });
    const answer = await client.request('tools/call', { name: 'good', arguments: {} });
    expectAnswer(answer, 'legacy', { kind: 'result', text: 'done' });
  });
});
