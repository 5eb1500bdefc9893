import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConsoleLogger, Logger, type LogLevel } from '@nestjs/common';
import { BusWorld } from '../bus-world-fixture.js';
import { BusLog } from './bus-log.js';

/** Records lines instead of printing them. */
class RecordingLogger extends ConsoleLogger {
  readonly lines: string[] = [];

  override debug(message: unknown): void {
    this.lines.push(String(message));
  }
}

const ORDER = { to: 'owner', pattern: 'session.call', payload: {} };

let world: BusWorld;

beforeEach(() => {
  world = new BusWorld();
});

afterEach(() => {
  world.stop();
  Logger.overrideLogger(false);
});

/** Sends one request from one worker to another. Returns the request id and the lines that both workers logged. */
async function sendAt(...logLevels: LogLevel[]) {
  const logger = new RecordingLogger({ logLevels });
  Logger.overrideLogger(logger);
  const observer = new BusLog();
  const ingress = await world.node('ingress', () => 'served', { observer });
  await world.node('owner', () => 'served', { observer });
  const exchange = ingress.request(ORDER);
  await world.settle();
  await exchange.end;
  return { id: exchange.request, lines: logger.lines };
}

describe('the log of requests between workers', () => {
  it('names a request by one id at both workers at the level debug', async () => {
    const { id, lines } = await sendAt('debug');
    expect(lines).toEqual([
      `Sent session.call to worker owner as request ${id}.`,
      `Running session.call for worker ingress: request ${id}.`,
      `Request ${id} ended: value.`,
    ]);
  });

  it('builds no line for a request above the level debug', async () => {
    expect((await sendAt('log')).lines).toEqual([]);
  });
});
