import { describe, expect, it } from '@jest/globals';
import { IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';
import { ConfigFault, Env, loadConfig, type CombinationRules, type Variables } from './index.js';

class DoorConfig {
  @Env('ISTHMUS_DOOR_PORT')
  @IsInt()
  @Min(0)
  @Max(65_535)
  readonly port: number = 4444;

  @Env('ISTHMUS_DOOR_OPEN')
  readonly isOpen: boolean = false;

  @Env('ISTHMUS_DOOR_NAMES')
  readonly names: readonly string[] = ['front'];

  @Env('ISTHMUS_DOOR_TIMEOUT', { as: 'duration' })
  readonly timeoutMs: number = 5_000;

  @Env('ISTHMUS_DOOR_WIDTH', { as: 'size' })
  readonly widthBytes: number = 1_024;
}

class KeyConfig implements CombinationRules {
  @Env('ISTHMUS_KEY_FILE')
  @IsOptional()
  @IsString()
  readonly file?: string;

  @Env('ISTHMUS_KEY_SECRET', { secret: true })
  @IsOptional()
  @Matches(/^\S{8,}$/, { message: 'must be at least 8 characters' })
  readonly secret?: string;

  combinationFaults(): readonly string[] {
    return this.file !== undefined && this.secret !== undefined
      ? ['ISTHMUS_KEY_FILE: cannot be set beside a secret.']
      : [];
  }
}

function faultsWith(variables: Variables): readonly string[] {
  try {
    loadConfig([DoorConfig, KeyConfig], variables);
    return [];
  } catch (fault) {
    return fault instanceof ConfigFault ? fault.faults : [String(fault)];
  }
}

describe('loadConfig', () => {
  it('uses the defaults for variables that are unset or empty', () => {
    const [door, key] = loadConfig([DoorConfig, KeyConfig], { ISTHMUS_DOOR_PORT: ' ', ISTHMUS_KEY_FILE: '' });
    expect(door).toEqual(new DoorConfig());
    expect(key).toBeInstanceOf(KeyConfig);
    expect(key.file).toBeUndefined();
  });

  it("parses each setting according to the type of the setting's default", () => {
    const [door] = loadConfig([DoorConfig, KeyConfig], {
      ISTHMUS_DOOR_PORT: '80',
      ISTHMUS_DOOR_OPEN: 'true',
      ISTHMUS_DOOR_NAMES: ' back, side ,',
      ISTHMUS_DOOR_TIMEOUT: '1.5s',
      ISTHMUS_DOOR_WIDTH: '2KiB',
      OTHER: 'not ours',
    });
    expect(door).toEqual({ port: 80, isOpen: true, names: ['back', 'side'], timeoutMs: 1_500, widthBytes: 2_048 });
  });

  it('reports all faults of all config classes in one error', () => {
    const variables = {
      ISTHMUS_DOOR_PORT: '70000',
      ISTHMUS_DOOR_OPEN: 'yes',
      ISTHMUS_DOOR_TIMEOUT: '5',
      ISTHMUS_DOOR_WIDTH: '2KB',
      ISTHMUS_KEY_SECRET: 'hunter2',
      ISTHMUS_DOR_PORT: '1',
      ISTHMUS_SOMETHING_UNRELATED: '1',
    };
    expect(faultsWith(variables)).toEqual([
      'ISTHMUS_DOR_PORT: unknown setting. Did you mean ISTHMUS_DOOR_PORT?',
      'ISTHMUS_SOMETHING_UNRELATED: unknown setting.',
      'ISTHMUS_DOOR_OPEN: expected true or false (it is "yes").',
      'ISTHMUS_DOOR_TIMEOUT: expected a duration such as 250ms, 5s, 10m, 2h or 1d (it is "5").',
      'ISTHMUS_DOOR_WIDTH: expected a size such as 512KiB or 16MiB (it is "2KB").',
      'ISTHMUS_DOOR_PORT: must not be greater than 65535 (it is 70000).',
      'ISTHMUS_KEY_SECRET: must be at least 8 characters.',
    ]);
    expect(() => loadConfig([DoorConfig, KeyConfig], variables)).toThrow(/^7 faults in the settings:\n {2}ISTHMUS_/);
  });

  it.each(['80.5', '0x50', '1e3', '-1', '80 81', 'NaN', 'Infinity', '99999999999999999999'])(
    'rejects %j as a port',
    (port) => expect(faultsWith({ ISTHMUS_DOOR_PORT: port })).toHaveLength(1),
  );

  it('checks combinations of settings only after each setting is valid by itself', () => {
    const both = { ISTHMUS_KEY_FILE: '/f', ISTHMUS_KEY_SECRET: 'long enough'.replace(' ', '-') };
    expect(faultsWith(both)).toEqual(['ISTHMUS_KEY_FILE: cannot be set beside a secret.']);
    expect(faultsWith({ ...both, ISTHMUS_KEY_SECRET: 'short' })).toHaveLength(1);
  });

  it('never includes the value of a secret setting in an error', () => {
    expect(faultsWith({ ISTHMUS_KEY_SECRET: 'hunter2' }).join()).not.toContain('hunter2');
  });

  it('accepts unknown variables when a tool loads a part of the settings with ignoreUnknown', () => {
    const [key] = loadConfig([KeyConfig], { ISTHMUS_DOOR_PORT: 'x', ISTHMUS_KEY_FILE: '/f' }, { ignoreUnknown: true });
    expect(key.file).toBe('/f');
  });

  it('returns frozen config instances', () => {
    const [door] = loadConfig([DoorConfig], {});
    expect(Object.isFrozen(door)).toBe(true);
  });
});
