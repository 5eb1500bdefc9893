/** Address of one Redis server. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** An address from the settings, with its optional credentials and database. */
export interface ConfiguredAddress extends RedisAddress {
  /** True for `rediss://`. */
  readonly isSecure: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly database: number;
}

/** Parses `redis://user:password@host:port/database`, `rediss://…` or, without a scheme, `host:port`. */
export function parseRedisAddress(text: string, defaultPort: number): ConfiguredAddress | undefined {
  const url = URL.parse(/^[a-z]+:\/\//i.test(text) ? text : `redis://${text}`);
  const path = /^\/?(\d{0,4})$/.exec(url?.pathname ?? '');
  if (url === null || path === null || url.hostname === '' || url.search + url.hash !== '') return undefined;
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') return undefined;
  const username = decodeComponent(url.username);
  const password = decodeComponent(url.password);
  if (username === undefined || password === undefined) return undefined;
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? defaultPort : Number(url.port),
    isSecure: url.protocol === 'rediss:',
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    database: Number(path[1]),
  };
}

function decodeComponent(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
