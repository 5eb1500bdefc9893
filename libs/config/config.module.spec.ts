import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { ConfigModule, configProvider, Env, loadConfig, LoadedConfig } from './index.js';

class LampConfig {
  @Env('ISTHMUS_LAMP_COLOUR')
  readonly colour: string = 'white';
}

@Injectable()
class Lamp {
  constructor(readonly config: LampConfig) {}
}

@Module({ providers: [configProvider(LampConfig), Lamp] })
class LampModule {}

describe('ConfigModule', () => {
  it('provides the loaded configuration to a module', async () => {
    const loaded = new LoadedConfig(loadConfig([LampConfig], { ISTHMUS_LAMP_COLOUR: 'red' }));
    const module = await Test.createTestingModule({ imports: [LampModule, ConfigModule.forRoot(loaded)] }).compile();
    expect(module.get(Lamp).config.colour).toBe('red');
  });

  it('provides the defaults to a module when no configuration was loaded', async () => {
    const module = await Test.createTestingModule({ imports: [LampModule] }).compile();
    expect(module.get(Lamp).config).toEqual(new LampConfig());
  });
});
