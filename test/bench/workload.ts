import { randomUUID } from 'node:crypto';

/** The era of both the client and the upstream server. */
export type Era = 'legacy' | 'modern';

export const ERAS: readonly Era[] = ['legacy', 'modern'];

/** The protocol revision of each era. */
export const REVISION: Readonly<Record<Era, string>> = { legacy: '2025-11-25', modern: '2026-07-28' };

/** Path of each era's endpoint at the upstream. */
export const UPSTREAM_PATH: Readonly<Record<Era, string>> = { legacy: '/legacy/mcp', modern: '/modern/mcp' };

/** Host of all processes. */
export const HOST = '127.0.0.1';

export const TOOL_NAME = 'weather';

/** Contained in every correct answer to the call and in no other answer. */
export const ANSWER_TEXT = 'Tomorrow 21 degrees, light wind from the west, no rain before the evening.';

const CLIENT_INFO = { name: 'bench', version: '1.0.0' };

/** A tool and its arguments. */
export interface ToolUse {
  readonly name: string;
  readonly arguments: Readonly<Record<string, string | number>>;
}

const WEATHER: ToolUse = { name: TOOL_NAME, arguments: { city: 'Lisbon', days: 1, units: 'celsius' } };

/** A tool that answers with a text of the given length. */
export const archive = (bytes: number): ToolUse => ({ name: 'archive', arguments: { bytes } });

/** A tool that never answers. */
export const HANG: ToolUse = { name: 'patience', arguments: {} };

/** Names of the same width, so that a prepared call can be reused with another of them. */
export const FIRST_NUMBERED_TOOL = 100_000;
const NUMBERED: ToolUse = { ...WEATHER, name: `tool-${FIRST_NUMBERED_TOOL}` };

/** All ids have the same width, so that a prepared request can be reused with another id. */
export const FIRST_ID = 1_000_000;
export const LAST_ID = 9_999_999;

/** Destination and authorization of requests. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly authorization?: string;
}

/** One serialized HTTP request. `idAt` is the offset of the first digit of the JSON-RPC id. */
export interface PreparedCall {
  readonly bytes: Buffer;
  readonly idAt: number;
  /** Offset of the first digit of the tool's name, in a call that can be reused with other names. */
  readonly nameAt?: number;
}

/** Prepares the measured `tools/call`, or a call of another tool. A legacy call needs its session. */
export function prepareCall(era: Era, target: Target, session?: string, use: ToolUse = WEATHER): PreparedCall {
  const params = era === 'modern' ? { ...use, _meta: modernMeta() } : use;
  const body = JSON.stringify({ jsonrpc: '2.0', id: FIRST_ID, method: 'tools/call', params });
  const eraHeaders =
    era === 'modern' ? { 'mcp-method': 'tools/call', 'mcp-name': use.name } : { 'mcp-session-id': session ?? '' };
  const bytes = post(target, body, { 'mcp-protocol-version': REVISION[era], ...eraHeaders });
  return { bytes, idAt: bytes.indexOf(`"id":${FIRST_ID}`) + '"id":'.length };
}

/** Prepares a legacy call whose tool can be changed, by the number in its name. */
export function prepareNumberedCall(target: Target, session?: string): PreparedCall {
  const call = prepareCall('legacy', target, session, NUMBERED);
  return { ...call, nameAt: call.bytes.indexOf(NUMBERED.name) + NUMBERED.name.indexOf('-') + 1 };
}

export function initializeRequest(target: Target): Buffer {
  const params = { protocolVersion: REVISION.legacy, capabilities: {}, clientInfo: CLIENT_INFO };
  return post(target, JSON.stringify({ jsonrpc: '2.0', id: randomUUID(), method: 'initialize', params }), {});
}

/** The request that ends a session. */
export function endRequest(target: Target, session: string): Buffer {
  return http('DELETE', target, '', { 'mcp-protocol-version': REVISION.legacy, 'mcp-session-id': session });
}

/** The request that opens a session's server stream. */
export function streamRequest(target: Target, session: string): Buffer {
  const headers = { accept: 'text/event-stream', 'mcp-protocol-version': REVISION.legacy, 'mcp-session-id': session };
  return http('GET', target, '', headers);
}

export function initializedNotification(target: Target, session: string): Buffer {
  const body = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return post(target, body, { 'mcp-protocol-version': REVISION.legacy, 'mcp-session-id': session });
}

function modernMeta(): Record<string, unknown> {
  return {
    'io.modelcontextprotocol/protocolVersion': REVISION.modern,
    'io.modelcontextprotocol/clientInfo': CLIENT_INFO,
    'io.modelcontextprotocol/clientCapabilities': {},
  };
}

function post(target: Target, body: string, headers: Readonly<Record<string, string>>): Buffer {
  return http('POST', target, body, { 'content-type': 'application/json', ...headers });
}

function http(method: string, target: Target, body: string, headers: Readonly<Record<string, string>>): Buffer {
  const all = {
    host: `${target.host}:${target.port}`,
    accept: 'application/json, text/event-stream',
    'user-agent': 'isthmus-bench',
    ...(target.authorization === undefined ? {} : { authorization: target.authorization }),
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${target.path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}
