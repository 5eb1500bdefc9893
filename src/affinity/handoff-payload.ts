import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import { readSessionRecord, type SessionRecord } from '../session-pool/index.js';
import { readUpstreamSession, type UpstreamSessionState } from '../upstream/index.js';
import type { ForwardedResource } from './session-orders.js';

/** Everything that the previous owner sends to the new owner of a session. */
export interface HandoffPayload {
  readonly record: SessionRecord;
  /** The session's upstream sessions at legacy servers. */
  readonly upstreams: readonly UpstreamSessionState[];
  /** Resources that the client has subscribed to. */
  readonly watched: readonly ForwardedResource[];
}

/** Reads the payload that another worker sent. Returns undefined for anything else. */
export function readHandoffPayload(value: unknown): HandoffPayload | undefined {
  if (!isJsonObject(value)) return undefined;
  const record = readSessionRecord(value['record']);
  const upstreams = readList(value['upstreams'], readUpstreamSession);
  const watched = readList(value['watched'], readResource);
  return record && upstreams && watched && { record, upstreams, watched };
}

function readList<T>(value: JsonValue | undefined, read: (item: JsonValue) => T | undefined): T[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const items = value.flatMap((item) => read(item) ?? []);
  return items.length === value.length ? items : undefined;
}

function readResource(value: JsonValue): ForwardedResource | undefined {
  if (!isJsonObject(value)) return undefined;
  const { server, own, uri } = value;
  if (typeof server !== 'string' || typeof own !== 'string' || typeof uri !== 'string') return undefined;
  return { server, own, uri };
}
