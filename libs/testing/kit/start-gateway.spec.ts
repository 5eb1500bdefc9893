import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Module, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { GatewayModule } from '../../../src/gateway.module.js';
import { createTestVariables, startCompiledGateway, startGateway } from './index.js';

/** An extension with which no gateway can start. */
function createFaultyExtension() {
  let closed = 0;
  @Module({ providers: [] })
  class Faulty implements OnApplicationBootstrap, OnModuleDestroy {
    onApplicationBootstrap(): void {
      throw new Error('The licence has expired.');
    }
    onModuleDestroy(): void {
      closed += 1;
    }
  }
  return { Faulty, closed: () => closed };
}

describe('a gateway of a test that cannot start', () => {
  it('is closed', async () => {
    const { Faulty, closed } = createFaultyExtension();
    await expect(startGateway({ extensions: [Faulty] })).rejects.toThrow('The licence has expired.');
    expect(closed()).toBe(1);
  });

  it('is closed and leaves no folder when it was compiled by the testing module', async () => {
    const { Faulty, closed } = createFaultyExtension();
    const variables = await createTestVariables();
    const imports = [GatewayModule.forRoot({ variables, extensions: [Faulty] })];
    const compiled = await Test.createTestingModule({ imports }).compile();
    await expect(startCompiledGateway(compiled, variables)).rejects.toThrow('The licence has expired.');
    expect(closed()).toBe(1);
    expect(existsSync(variables['ISTHMUS_DATA_DIR'] ?? '')).toBe(false);
  });
});
