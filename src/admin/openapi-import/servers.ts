import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import { swaggerServers } from './swagger-2.js';

/** Returns the servers of a document, which are `/` when it names none. */
export function readServers(document: JsonObject): JsonValue {
  if (typeof document['swagger'] === 'string') return swaggerServers(document);
  const { servers } = document;
  return Array.isArray(servers) && servers.length > 0 ? servers : [{ url: '/' }];
}

/** Returns the URL of the first server, with the defaults of its variables. It may be relative. */
export function readServerUrl(servers: JsonValue | undefined): string | undefined {
  const all = (Array.isArray(servers) ? servers : []).flatMap((server) =>
    isJsonObject(server) ? [toUrl(server)] : [],
  );
  const known = all.filter((url) => url !== undefined);
  return known.find((url) => /^https?:\/\//i.test(url)) ?? known[0];
}

function toUrl({ url, variables }: JsonObject): string | undefined {
  if (typeof url !== 'string') return undefined;
  const filled = url.trim().replaceAll(/\{([^}]+)\}/g, (whole, name: string) => {
    const variable = isJsonObject(variables) && Object.hasOwn(variables, name) ? variables[name] : undefined;
    const { default: value, enum: values } = isJsonObject(variable) ? variable : {};
    const chosen = value ?? (Array.isArray(values) ? values[0] : undefined);
    return typeof chosen === 'string' || typeof chosen === 'number' ? String(chosen) : whole;
  });
  return filled.includes('{') ? undefined : filled;
}

/** The base URL of the tools, and where operations with servers of their own are. */
export interface BaseUrls {
  readonly base: string;
  /** Returns the URL of an operation's own servers. Undefined: the base. */
  resolve(servers: JsonValue | undefined): string | undefined;
}

/**
 * Determines the base URL of an API. `given`: a URL from the caller, which replaces the one of the document; it completes a
 * relative one if it has no path itself.
 */
export function resolveBaseUrls(servers: JsonValue, given: string | undefined): BaseUrls | undefined {
  const written = readServerUrl(servers);
  const own = URL.parse(written ?? '');
  const base = toBase(written, own, given);
  if (base === undefined) return undefined;
  const resolve = (others: JsonValue | undefined): string | undefined => {
    const url = others === undefined ? undefined : readServerUrl(others);
    const resolved = url === undefined || url === written ? null : URL.parse(url, own?.href ?? base);
    if (resolved === null || !/^https?:$/.test(resolved.protocol)) return undefined;
    // The caller's URL stands for the host of the document.
    const isSameHost = given !== undefined && own !== null && resolved.host === own.host;
    const target = isSameHost ? new URL(resolved.pathname, base) : resolved;
    target.search = '';
    target.hash = '';
    target.username = '';
    target.password = '';
    return isSamePlace(target, new URL(base)) ? undefined : target.href.replace(/\/$/, '');
  };
  return { base, resolve };
}

function toBase(written: string | undefined, own: URL | null, given: string | undefined): string | undefined {
  if (given === undefined) return own !== null && /^https?:$/.test(own.protocol) ? written : undefined;
  const url = new URL(given);
  const isRelative = written !== undefined && own === null && url.pathname === '/' && !written.startsWith('//');
  if (!isRelative) return given;
  const resolved = new URL(written, url);
  resolved.search = url.search;
  return resolved.pathname === '/' ? given : resolved.href;
}

const isSamePlace = (one: URL, other: URL): boolean =>
  one.origin === other.origin && one.pathname.replace(/\/$/, '') === other.pathname.replace(/\/$/, '');
