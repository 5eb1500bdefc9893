import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { GatewayError } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { callerOf } from '../../../test/support/fake-upstream.js';
import { Readiness } from '../../lifecycle/index.js';
import type { AdminAdmission } from '../admin-admission.js';
import type { LiveFigures, LiveFiguresReader } from './live-figures.js';
import { LiveStreams } from './live-streams.js';

const REQUEST = {} as IncomingMessage;
const EVENT = 'event: figures\ndata: {"sessions":1}\n\n';

/** A response whose client reads everything, until a test makes the response report a full buffer. */
class FakeResponse extends EventEmitter {
  readonly written: string[] = [];
  writableLength = 0;
  closed = false;
  writableEnded = false;
  status: number | undefined;

  writeHead(status: number): void {
    this.status = status;
  }
  flushHeaders(): void {}
  write(text: string): void {
    if (this.writableEnded) throw new Error('write after end');
    this.written.push(text);
  }
  end(): void {
    this.writableEnded = true;
    this.closed = true;
    this.emit('close');
  }
}

let clock: ManualClock;
let readiness: Readiness;
let streams: LiveStreams;
let refusal: GatewayError | undefined;
let readings: number;
/** Figures are not complete before. */
let computing: Promise<void>;

beforeEach(() => {
  clock = new ManualClock();
  readiness = new Readiness();
  refusal = undefined;
  readings = 0;
  computing = Promise.resolve();
  const figures = {
    read: async () => {
      readings += 1;
      await computing;
      return { sessions: 1 } as LiveFigures;
    },
    reset: () => undefined,
  } as unknown as LiveFiguresReader;
  const admission = {
    authenticate: async () => {
      if (refusal) throw refusal;
      return callerOf('ada');
    },
    admit: () => callerOf('ada'),
  } as unknown as AdminAdmission;
  streams = new LiveStreams(figures, admission, readiness, clock);
});

async function open(subject = 'ada'): Promise<FakeResponse> {
  const response = new FakeResponse();
  streams.open(REQUEST, response as unknown as ServerResponse, callerOf(subject), ['admin']);
  await clock.advance(0);
  return response;
}

describe('a stream of live figures', () => {
  it('sends figures at once and every two seconds, computed once for all listeners', async () => {
    const first = await open();
    const second = await open('bob');
    await clock.advance(2_000);
    expect([first.written, second.written]).toEqual([
      [EVENT, EVENT],
      [EVENT, EVENT],
    ]);
    expect(readings).toBe(2);
  });

  it('leaves no timer when the last listener has left', async () => {
    const responses = [await open(), await open()];
    for (const response of responses) response.end();
    expect([streams.size, clock.pending]).toEqual([0, 0]);
  });

  it.each([401, 403])('ends when its token or session is refused with %i', async (status) => {
    const response = await open();
    refusal = new GatewayError(-32_600, 'No.', status);
    await clock.advance(2_000);
    expect([response.closed, response.written, streams.size]).toEqual([true, [EVENT], 0]);
  });

  it('sends nothing while it is unknown whether the session has ended', async () => {
    const response = await open();
    refusal = new GatewayError(-31_007, 'Redis is unavailable.', 503);
    await clock.advance(2_000);
    expect([response.closed, response.written]).toEqual([false, [EVENT]]);
    refusal = undefined;
    await clock.advance(2_000);
    expect(response.written).toEqual([EVENT, EVENT]);
  });

  it('does not queue figures for a listener that reads nothing', async () => {
    const response = await open();
    response.writableLength = 10;
    await clock.advance(10_000);
    expect(response.written).toEqual([EVENT]);
  });

  it('ends when the worker drains', async () => {
    const [first, second] = [await open(), await open()];
    readiness.startDraining();
    await clock.advance(2_000);
    expect([first.closed, second.closed, clock.pending]).toEqual([true, true, 0]);
  });

  it('receives no figures that are complete only after its end', async () => {
    const [ended, other] = [await open(), await open()];
    const figures = Promise.withResolvers<void>();
    computing = figures.promise;
    await clock.advance(2_000);
    ended.end();
    figures.resolve();
    await clock.advance(0);
    expect([ended.written, other.written]).toEqual([[EVENT], [EVENT, EVENT]]);
  });

  it('is refused beyond 20 streams of a caller, and beyond 200 streams of all', async () => {
    for (let count = 0; count < 20; count += 1) await open();
    await expect(open()).rejects.toMatchObject({ httpStatus: 503 });
    for (let count = 0; count < 180; count += 1) await open(`other-${count}`);
    await expect(open('one-more')).rejects.toMatchObject({
      httpStatus: 503,
      message: expect.stringMatching(/Close one/),
    });
  });

  it('is not opened for a client that has left', async () => {
    const response = Object.assign(new FakeResponse(), { closed: true });
    streams.open(REQUEST, response as unknown as ServerResponse, callerOf('ada'), ['admin']);
    expect([streams.size, response.status]).toEqual([0, undefined]);
  });
});
