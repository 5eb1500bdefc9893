import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A script that Redis runs in one step. */
export interface RedisScript {
  readonly name: string;
  readonly lua: string;
  /** Undefined: another number each time. */
  readonly numberOfKeys: number | undefined;
}

/** Reads `scripts/<name>.lua`. With `state` it can ask for the state of Redis and for its time (scripts/state.lua). */
export function redisScript(name: string, numberOfKeys: number | undefined, { state = false } = {}): RedisScript {
  return { name, numberOfKeys, lua: (state ? readScript('state') : '') + readScript(name) };
}

const readScript = (name: string) => readFileSync(join(import.meta.dirname, 'scripts', `${name}.lua`), 'utf8');
