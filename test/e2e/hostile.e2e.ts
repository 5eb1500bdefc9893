/** A server's failure is never reported as success: every fault of the table, from every client, over every transport. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { behaviourNamed, behavioursOf, CARRIERS, expectationOf, type Carrier } from '#lib/testing/hostile-server';
import { CLIENT_TRANSPORTS, type RawAnswer } from '#lib/testing/raw-client';
import { runDefaultRound, runRound, type Trial } from '../support/hostile-round.js';
import { HostileWorld, UPSTREAM_SECRET } from '../support/hostile-world.js';
import { essence, judge } from '../support/verdict.js';

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

  it.each(behavioursOf(carrier).map(({ name }) => name))('%s', (name) => {
    const tried = trialsOf(name);
    expect(tried.map(({ transport }) => transport)).toEqual([...CLIENT_TRANSPORTS]);
    for (const trial of tried) {
      const answer = answerOf(trial);
      const expected = expectationOf(trial.behaviour, carrier);
      judge(answer, trial.transport, expected);
      expect(world.runs(carrier, trial.mark)).toBe(1);
      const isToldApart = trial.transport === 'modern' && expected.kind === 'error' && expected.toModern;
      if (!isToldApart) expect(essence(answer)).toEqual(essence(answerOf(tried[0])));
    }
  });

  it('serves a good call to everyone afterwards', async () => {
    for (const transport of CLIENT_TRANSPORTS) {
      const client = await world.client(transport, carrier);
      const answer = await client.request('tools/call', { name: 'good', arguments: {} });
      judge(answer, transport, { kind: 'result', text: 'done' });
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

describe.each(['legacy-http', 'modern-http', 'sse'] as const)('%s behind the endpoint of all servers', (carrier) => {
  const behaviours = SAMPLE.flatMap((name) => behaviourNamed(name) ?? []).filter(
    ({ carriers, waits }) => carriers.includes(carrier) && waits?.includes(carrier) !== true,
  );
  let trials: readonly Trial[] = [];

  beforeAll(async () => {
    trials = await runDefaultRound(world, carrier, behaviours);
  });

  it.each(behaviours.map(({ name }) => name))('%s', (name) => {
    const tried = trials.filter(({ behaviour }) => behaviour.name === name);
    expect(tried).toHaveLength(CLIENT_TRANSPORTS.length);
    for (const trial of tried) {
      judge(answerOf(trial), trial.transport, expectationOf(trial.behaviour, carrier));
      expect(world.runs(carrier, trial.mark)).toBe(1);
    }
  });
});

describe('whatever the servers did', () => {
  it('gave no request a second answer', () => {
    expect(world.surplus).toEqual([]);
  });

  it('followed no redirect', () => {
    for (const server of world.servers.values()) expect(server.counters.trapped).toEqual([]);
  });

  it('sent the credentials of the configuration and never the token of a client', () => {
    for (const { counters } of world.servers.values()) {
      expect(counters.arrivals.length).toBeGreaterThan(0);
      for (const { headers } of counters.arrivals) {
        expect(headers['authorization']).toBe(UPSTREAM_SECRET);
        const sent = JSON.stringify(headers);
        expect(world.tokensInUse.filter((token) => sent.includes(token))).toEqual([]);
      }
    }
  });

  it('stopped reading answers without an end', () => {
    for (const { counters } of world.servers.values()) expect(counters.flooded).toBeLessThan(512 * 1024 * 1024);
  });

  it('ends the session of a client whose server forgot its own, and lets it start anew', async () => {
    const client = await world.client('legacy', 'legacy-http');
    await client.request('tools/call', { name: 'forgotten-session', arguments: {} });
    const stale = await client.request('tools/call', { name: 'good', arguments: {} });
    expect(stale.status).toBe(404);
    const fresh = await world.client('legacy', 'legacy-http');
    judge(await fresh.request('tools/call', { name: 'good', arguments: {} }), 'legacy', {
      kind: 'result',
      text: 'done',
    });
  });
});
