import { expect, it } from '@jest/globals';
import { IsOptional, IsString } from 'class-validator';
import { effectiveSettings } from './effective-settings.js';
import { Env, LoadedConfig } from './index.js';

class Some {
  @Env('ISTHMUS_SECRET', { secret: true })
  @IsOptional()
  @IsString()
  readonly secret?: string;

  @Env('ISTHMUS_TIME', { as: 'duration' })
  readonly timeMs: number = 90_000;

  @Env('ISTHMUS_NAMES')
  readonly names: readonly string[] = ['a'];
}

it('effectiveSettings lists the values in force and masks each secret as [set]', () => {
  const set = Object.assign(new Some(), { secret: 'abc', timeMs: 60_000 });
  expect(effectiveSettings(new LoadedConfig([set]))).toEqual([
    { name: 'ISTHMUS_SECRET', value: '[set]', isDefault: false },
    { name: 'ISTHMUS_TIME', value: '1m', isDefault: false },
    { name: 'ISTHMUS_NAMES', value: 'a', isDefault: true },
  ]);
  expect(effectiveSettings(new LoadedConfig([new Some()]))[0]).toMatchObject({ value: null, isDefault: true });
});
