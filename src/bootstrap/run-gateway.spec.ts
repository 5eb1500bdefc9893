import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Module, type OnModuleDestroy } from '@nestjs/common';
import { createTestVariables } from '#lib/testing/kit';
import { rm } from 'node:fs/promises';
import { runGateway } from './run-gateway.js';

let closed: number;
let variables: Record<string, string>;
let occupant: Server;

/** Records that the gateway was closed. */
@Module({ providers: [] })
class Observer implements OnModuleDestroy {
  onModuleDestroy(): void {
    closed += 1;
  }
}

beforeEach(async () => {
  closed = 0;
  variables = await createTestVariables();
  occupant = createServer().listen(0, '127.0.0.1');
  await once(occupant, 'listening');
});

afterEach(async () => {
  occupant.close();
  await rm(variables['ISTHMUS_DATA_DIR'] ?? '', { recursive: true, force: true });
});

describe('runGateway', () => {
  it('closes a gateway that cannot listen, and rejects with the reason', async () => {
    const { port } = occupant.address() as AddressInfo;
    const options = { variables: { ...variables, ISTHMUS_PORT: String(port) }, extensions: [Observer] };
    await expect(runGateway(options)).rejects.toThrow(/EADDRINUSE/);
    expect(closed).toBe(1);
  });

  it('refuses several workers, which it would not start, and says what to do', async () => {
    const options = { variables: { ...variables, ISTHMUS_WORKERS: '4' }, extensions: [Observer] };
    await expect(runGateway(options)).rejects.toThrow(
      /ISTHMUS_WORKERS: a program of your own runs one worker\. .*`isthmus start` with your module in ISTHMUS_EXTENSIONS/,
    );
    expect(closed).toBe(0);
  });
});
