import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A script that Redis runs atomically. */
export interface RedisScript {
  readonly name: string;
  readonly lua: string;
  /** Undefined if the number varies. */
  readonly numberOfKeys: number | undefined;
}

/** Reads `scripts/<name>.lua`. With `state` the script can read generation and time of Redis (scripts/state.lua). */
export function redisScript(name: string, numberOfKeys: number | undefined, { state = false } = {}): RedisScript {
  return { name, numberOfKeys, lua: (state ? readScript('state') : '') + readScript(name) };
}

const readScript = (name: string) => readFileSync(join(import.meta.dirname, 'scripts', `${name}.lua`), 'utf8');
