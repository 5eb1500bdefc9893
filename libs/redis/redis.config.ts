import { readFileSync } from 'node:fs';
import { IsArray, IsOptional, IsString, Matches } from 'class-validator';
import { Env, type CombinationRules } from '#lib/config';
import { parseRedisAddress, type RedisAddress, type ConfiguredAddress } from './redis-address.js';

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;

/** Credentials, database and encryption of a connection. */
export interface RedisAccess {
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
  /** Present if the connection is encrypted; `ca` replaces the certificate authorities of the machine. */
  readonly tls?: { readonly ca?: string };
}

/** How Redis is deployed, and its addresses. */
export type RedisTopology =
  | { readonly kind: 'single'; readonly address: RedisAddress }
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly RedisAddress[];
      readonly master: string;
      readonly password?: string;
    }
  | { readonly kind: 'cluster'; readonly nodes: readonly RedisAddress[] };

/**
 * The Redis that workers share. A single worker needs none. Configure one server, a master behind Sentinels, or a
 * cluster.
 */
export class RedisConfig implements CombinationRules {
  /** URL of one Redis server: `redis://user:password@host:6379/0`, or `rediss://…` for an encrypted connection. */
  @Env('ISTHMUS_REDIS_URL', { secret: true })
  @IsOptional()
  @IsString()
  readonly url?: string;

  /** Name of the Redis user (ACL). It replaces the user in the URL. */
  @Env('ISTHMUS_REDIS_USERNAME')
  @IsOptional()
  @IsString()
  readonly username?: string;

  /** Password of the Redis user. It replaces the password in the URL. */
  @Env('ISTHMUS_REDIS_PASSWORD', { secret: true })
  @IsOptional()
  @IsString()
  readonly password?: string;

  /**
   * Addresses of the Sentinels that monitor the master: `host:26379`, or `rediss://host:26379` if they and Redis use
   * TLS.
   */
  @Env('ISTHMUS_REDIS_SENTINELS')
  @IsArray()
  readonly sentinels: readonly string[] = [];

  /** Name of the master at the Sentinels. */
  @Env('ISTHMUS_REDIS_SENTINEL_MASTER')
  @IsOptional()
  @IsString()
  readonly sentinelMaster?: string;

  /** Password of the Sentinels, which may differ from the password of Redis. */
  @Env('ISTHMUS_REDIS_SENTINEL_PASSWORD', { secret: true })
  @IsOptional()
  @IsString()
  readonly sentinelPassword?: string;

  /** Addresses of some cluster nodes, which report the others: `host:6379`, or `rediss://host:6379` if they use TLS. */
  @Env('ISTHMUS_REDIS_CLUSTER')
  @IsArray()
  readonly cluster: readonly string[] = [];

  /** Path of a PEM file with the certificate authorities that verify Redis, instead of those of the machine. */
  @Env('ISTHMUS_REDIS_TLS_CA')
  @IsOptional()
  @IsString()
  readonly tlsCa?: string;

  /** Prefix of every key and channel, so that several installations can share a Redis. */
  @Env('ISTHMUS_REDIS_KEY_PREFIX')
  @Matches(/^[\w.:/-]{0,64}$/, { message: 'must be at most 64 letters, digits and . : / _ -' })
  readonly keyPrefix: string = 'isthmus:';

  /** The configured Redis; undefined if none is configured. Only for settings without faults. */
  get topology(): RedisTopology | undefined {
    const nodes = this.configuredAddresses().map(({ host, port }) => ({ host, port }));
    const [address] = nodes;
    if (address === undefined) return undefined;
    if (this.cluster.length > 0) return { kind: 'cluster', nodes };
    if (this.sentinels.length === 0) return { kind: 'single', address };
    const password = this.sentinelPassword === undefined ? {} : { password: this.sentinelPassword };
    return { kind: 'sentinel', sentinels: nodes, master: this.sentinelMaster ?? '', ...password };
  }

  /** The configured access. Only for settings without faults; throws if the certificate file cannot be read. */
  get access(): RedisAccess {
    const [first] = this.configuredAddresses();
    const username = this.username ?? first?.username;
    const password = this.password ?? first?.password;
    const tls = this.tlsCa === undefined ? {} : { ca: readFileSync(this.tlsCa, 'utf8') };
    return {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      database: first?.database ?? 0,
      ...(first?.isSecure === true ? { tls } : {}),
    };
  }

  combinationFaults(): readonly string[] {
    const configured = [
      ...(this.url === undefined ? [] : ['ISTHMUS_REDIS_URL']),
      ...(this.sentinels.length === 0 ? [] : ['ISTHMUS_REDIS_SENTINELS']),
      ...(this.cluster.length === 0 ? [] : ['ISTHMUS_REDIS_CLUSTER']),
    ];
    const several = configured
      .slice(1)
      .map((other) => `${other}: cannot be combined with ${configured[0]}: configure only one Redis.`);
    return [
      ...several,
      ...this.addressFaults(),
      ...this.sentinelFaults(),
      ...(configured.length === 0 ? this.faultsWithoutRedis() : this.accessFaults()),
    ];
  }

  private configuredAddresses(): readonly ConfiguredAddress[] {
    const read = (port: number) => (text: string) => parseRedisAddress(text, port) ?? [];
    if (this.url !== undefined) return [this.url].flatMap(read(REDIS_PORT));
    if (this.sentinels.length > 0) return this.sentinels.flatMap(read(SENTINEL_PORT));
    return this.cluster.flatMap(read(REDIS_PORT));
  }

  private addressFaults(): readonly string[] {
    const isUrlBad = this.url !== undefined && parseRedisAddress(this.url, REDIS_PORT) === undefined;
    return [
      ...(isUrlBad ? ['ISTHMUS_REDIS_URL: must have the form redis://user:password@host:6379/0, or rediss://.'] : []),
      ...listFaults('ISTHMUS_REDIS_SENTINELS', this.sentinels),
      ...listFaults('ISTHMUS_REDIS_CLUSTER', this.cluster),
    ];
  }

  private sentinelFaults(): readonly string[] {
    if (this.sentinels.length > 0) {
      return this.sentinelMaster === undefined
        ? ['ISTHMUS_REDIS_SENTINEL_MASTER: is missing; ISTHMUS_REDIS_SENTINELS requires the name of the master.']
        : [];
    }
    return [
      ['ISTHMUS_REDIS_SENTINEL_MASTER', this.sentinelMaster] as const,
      ['ISTHMUS_REDIS_SENTINEL_PASSWORD', this.sentinelPassword] as const,
    ].flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}: has no effect without ISTHMUS_REDIS_SENTINELS.`],
    );
  }

  private faultsWithoutRedis(): readonly string[] {
    return [
      ['ISTHMUS_REDIS_USERNAME', this.username] as const,
      ['ISTHMUS_REDIS_PASSWORD', this.password] as const,
      ['ISTHMUS_REDIS_TLS_CA', this.tlsCa] as const,
    ].flatMap(([name, value]) => (value === undefined ? [] : [`${name}: has no effect without a Redis.`]));
  }

  private accessFaults(): readonly string[] {
    const [first] = this.configuredAddresses();
    const faults: string[] = [];
    if ((this.username ?? first?.username) !== undefined && (this.password ?? first?.password) === undefined) {
      faults.push('ISTHMUS_REDIS_USERNAME: requires a password; set ISTHMUS_REDIS_PASSWORD.');
    }
    if (this.tlsCa !== undefined && first?.isSecure !== true) {
      faults.push('ISTHMUS_REDIS_TLS_CA: has no effect without TLS; write rediss:// before the address.');
    }
    if (this.tlsCa !== undefined && !isReadable(this.tlsCa)) {
      faults.push(`ISTHMUS_REDIS_TLS_CA: cannot be read (it is ${JSON.stringify(this.tlsCa)}).`);
    }
    return faults;
  }
}

function listFaults(name: string, list: readonly string[]): readonly string[] {
  const addresses = list.flatMap((text) => parseRedisAddress(text, REDIS_PORT) ?? []);
  const faults: string[] = [];
  if (addresses.length < list.length || addresses.some(({ database }) => database !== 0)) {
    faults.push(`${name}: must be a list of host:port, each optionally preceded by redis:// or rediss://.`);
  }
  if (addresses.some(({ username, password }) => username !== undefined || password !== undefined)) {
    faults.push(`${name}: must not contain users or passwords; set ISTHMUS_REDIS_USERNAME and ISTHMUS_REDIS_PASSWORD.`);
  }
  if (new Set(addresses.map(({ isSecure }) => isSecure)).size > 1) {
    faults.push(`${name}: must use rediss:// for all addresses or for none.`);
  }
  return faults;
}

function isReadable(file: string): boolean {
  try {
    return readFileSync(file, 'utf8').includes('-----BEGIN CERTIFICATE-----');
  } catch {
    return false;
  }
}
