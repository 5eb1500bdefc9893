/** Requests whose parts contradict each other, and answers that are sent before the body has arrived. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  BadInputWorld,
  expectGoodService,
  expectNothingLeaks,
  INITIALIZE,
  LEGACY_HEADERS,
  ping,
} from '../support/bad-input.js';
import { RawSockets } from '../support/raw-socket.js';

const MAX_BODY = 64 * 1024;

let world: BadInputWorld;
let sockets: RawSockets;

beforeAll(async () => {
  world = await BadInputWorld.start({ ISTHMUS_MAX_BODY: `${MAX_BODY}B` });
  sockets = new RawSockets(world.gateway.url);
});

afterAll(async () => {
  sockets?.close();
  await expectGoodService(world);
  await world?.close();
});

/** Every route that accepts a body, with the transport that it serves. */
const POST_PATHS = [
  '/mcp',
  '/servers/old/mcp',
  '/servers/young/mcp',
  '/rpc',
  '/servers/old/rpc',
  '/messages',
  '/message',
  '/admin/v1/servers',
] as const;
const GET_PATHS = ['/mcp', '/sse', '/servers/old/sse', '/', '/admin/v1/servers', '/admin/v1/docs'] as const;

interface Parts {
  readonly verb?: string;
  readonly target: string;
  readonly host?: string;
  readonly lines?: readonly string[];
  readonly body?: string;
}

/** The bytes of an authorized request over a connection that ends with it. */
function toBytes({ verb = 'POST', target, host = '127.0.0.1', lines = [], body }: Parts): string {
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [
    `${verb} ${target} HTTP/1.1`,
    `Host: ${host}`,
    `Authorization: Bearer ${world.token}`,
    `Accept: ${LEGACY_HEADERS.accept}`,
    ...(body === undefined ? [] : ['Content-Type: application/json']),
    'Connection: close',
    ...length,
    ...lines,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body ?? ''}`;
}

/** The sentence of an error response in the form of its route. */
function sentenceOf(target: string, body: string): unknown {
  const answer = JSON.parse(body) as { readonly error?: { readonly message: string }; readonly detail?: string };
  return target.startsWith('/admin') ? answer.detail : answer.error?.message;
}

describe('a header that occurs twice', () => {
  const REPEATED: Record<string, readonly string[]> = {
    Host: ['Host: 127.0.0.1'],
    'Host, in another case and with another value': ['HOST: localhost'],
    Authorization: ['Authorization: Bearer other'],
    'Content-Type': ['Content-Type: text/plain'],
    Origin: ['Origin: http://localhost:1', 'Origin: http://localhost:1'],
    'Mcp-Session-Id': ['Mcp-Session-Id: a', 'mcp-session-id: b'],
    'MCP-Protocol-Version': ['MCP-Protocol-Version: 2025-11-25', 'MCP-Protocol-Version: 2026-07-28'],
    'Mcp-Method': ['Mcp-Method: ping', 'Mcp-Method: tools/call'],
    'Mcp-Name': ['Mcp-Name: a', 'Mcp-Name: a'],
    'Mcp-Param-Region': ['Mcp-Param-Region: a', 'Mcp-Param-Region: b'],
    'Last-Event-ID': ['Last-Event-ID: 1', 'Last-Event-ID: 2'],
    'Idempotency-Key': ['Idempotency-Key: a', 'Idempotency-Key: b'],
    'If-Match': ['If-Match: "1"', 'If-Match: *'],
  };

  it.each(Object.entries(REPEATED))('is rejected with 400 and its name at every route: %s', async (name, lines) => {
    for (const target of POST_PATHS) {
      const { status, body } = await sockets.exchange(toBytes({ target, lines, body: JSON.stringify(INITIALIZE) }));
      expect({ target, status }).toEqual({ target, status: 400 });
      expect(sentenceOf(target, body)).toMatch(
        new RegExp(`^The header ${name.split(',')[0]} occurs more than once`, 'i'),
      );
      expectNothingLeaks(body);
    }
  });

  it.each(GET_PATHS)('is rejected for GET %s, too', async (target) => {
    const { status, body } = await sockets.exchange(
      toBytes({ verb: 'GET', target, lines: ['Authorization: Bearer other'] }),
    );
    expect(status).toBe(400);
    expect(sentenceOf(target, body)).toMatch(/^The header authorization occurs more than once/i);
  });

  it.each([
    ['Content-Length', ['Content-Length: 2', 'Content-Length: 2']],
    ['Content-Length beside Transfer-Encoding', ['Content-Length: 2', 'Transfer-Encoding: chunked']],
    ['Transfer-Encoding', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
  ])('is rejected with 400 and a sentence when it frames the body: %s', async (_name, lines) => {
    for (const target of POST_PATHS) {
      const bytes = `${toBytes({ target, lines: ['Content-Type: application/json', ...lines] })}{}`;
      const { status, body } = await sockets.exchange(bytes);
      expect({ target, status }).toEqual({ target, status: 400 });
      expect(body).toMatch(/"(?:message|detail)":"[A-Z][^"]{20,}\."/);
    }
  });

  it('is accepted when the header is a list', async () => {
    const lines = ['X-Forwarded-For: 10.0.0.1', 'X-Forwarded-For: 10.0.0.2', 'Cookie: a=1', 'Cookie: b=2'];
    const { status } = await sockets.exchange(toBytes({ target: '/rpc', lines, body: JSON.stringify(ping()) }));
    expect(status).toBe(200);
  });

  it('is found among many others, and more than 200 headers are rejected with 431', async () => {
    const many = Array.from({ length: 190 }, (_, index) => `X-${index}: 1`);
    const body = JSON.stringify(ping());
    const repeated = [...many, 'Authorization: Bearer other'];
    expect((await sockets.exchange(toBytes({ target: '/rpc', lines: many, body }))).status).toBe(200);
    expect((await sockets.exchange(toBytes({ target: '/rpc', lines: repeated, body }))).status).toBe(400);
    const tooMany = Array.from({ length: 3_000 }, () => 'A:1');
    expect((await sockets.exchange(toBytes({ target: '/rpc', lines: tooMany, body }))).status).toBe(431);
  });
});

describe('a request target', () => {
  const body = JSON.stringify(ping());

  it.each([...POST_PATHS, '/health/live', '/.well-known/oauth-protected-resource'])(
    'that names another authority than Host is rejected with 421: %s',
    async (path) => {
      const verb = (POST_PATHS as readonly string[]).includes(path) ? 'POST' : 'GET';
      for (const authority of ['evil.example', '127.0.0.1:1', '127.0.0.1.evil.example', '[::1]']) {
        const target = `http://${authority}${path}`;
        const answer = await sockets.exchange(toBytes({ verb, target, ...(verb === 'POST' && { body }) }));
        expect({ target, status: answer.status }).toEqual({ target, status: 421 });
        expect(answer.body).toMatch(/The request target names another host than the Host header/);
      }
    },
  );

  it.each(['http://127.0.0.1/rpc', 'HTTP://127.0.0.1:80/rpc', 'http://127.0.0.1/rpc?x=1'])(
    'that names the authority of Host is served: %s',
    async (target) => {
      expect((await sockets.exchange(toBytes({ target, body }))).status).toBe(200);
    },
  );

  it('with an authority is served only where its host is allowed', async () => {
    for (const path of ['/rpc', '/.well-known/oauth-protected-resource', '/admin/v1/docs', '/']) {
      const verb = path === '/rpc' ? 'POST' : 'GET';
      const parts = {
        verb,
        target: `http://evil.example${path}`,
        host: 'evil.example',
        ...(path === '/rpc' && { body }),
      };
      const answer = await sockets.exchange(toBytes(parts));
      expect({ path, status: answer.status }).toEqual({ path, status: 403 });
      expect(answer.body).not.toContain('evil.example');
    }
  });

  it('with credentials is rejected with 400', async () => {
    const answer = await sockets.exchange(toBytes({ target: 'http://me:secret@127.0.0.1/rpc', body }));
    expect(answer.status).toBe(400);
    expect(answer.body).not.toContain('secret');
  });

  it.each([
    ['OPTIONS', '*'],
    ['POST', 'ftp://127.0.0.1/rpc'],
    ['POST', 'https://'],
  ])('that is no path is rejected with 400: %s %s', async (verb, target) => {
    const answer = await sockets.exchange(toBytes({ verb, target }));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatch(/"message":"[A-Z][^"]{10,}\."/);
  });

  it('of CONNECT is rejected with 405 and a sentence', async () => {
    for (const target of ['evil.example:443', '127.0.0.1:80']) {
      const answer = await sockets.exchange(toBytes({ verb: 'CONNECT', target }));
      expect(answer.status).toBe(405);
      expect(answer.body).toContain('CONNECT is not supported');
    }
  });

  it('over HTTP/1.1 needs a Host header', async () => {
    const answer = await sockets.exchange('POST /rpc HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    expect(answer.status).toBe(400);
    expect(answer.body).toContain('The Host header is missing');
  });
});

describe('a blank other than space and tab', () => {
  const NBSP = '\u00a0';
  const modern = (name: string, blank: string) => ({
    ...LEGACY_HEADERS,
    'mcp-protocol-version': `${blank}2026-07-28${blank}`,
    'mcp-method': 'tools/call',
    'mcp-name': `${blank}${name}${blank}`,
  });
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'bad', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { _meta: meta, name: 'good', arguments: {} } };

  const post = (headers: Readonly<Record<string, string>>) => {
    const body = JSON.stringify(call);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    const head = `POST /servers/young/mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${world.token}\r\n`;
    const rest = `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
    return sockets.exchange(Buffer.from(`${head}${lines.join('\r\n')}\r\n${rest}`, 'latin1'));
  };

  it('belongs to the value of a header, so the header does not match the body', async () => {
    expect((await post(modern('good', NBSP))).status).toBe(400);
    expect((await post({ ...modern('good', ' '), 'mcp-name': `${NBSP}good` })).status).toBe(400);
    expect(
      (await post({ ...modern('good', ' '), 'content-type': `application/json${NBSP};charset=utf-8` })).status,
    ).toBe(415);
  });

  it('is unlike spaces and tabs, which surround a value', async () => {
    expect((await post(modern('good', ' \t '))).status).toBe(200);
    expect((await post({ ...modern('good', ''), 'content-type': 'application/json \t; charset=utf-8' })).status).toBe(
      200,
    );
  });
});

describe('a client that expects 100 Continue', () => {
  const expectation = ['Expect: 100-continue', 'Content-Type: application/json'];
  const INTERIM = 'HTTP/1.1 100 Continue';

  /** Sends the head only, as such a client does. */
  const announce = (parts: Parts, length: number, replaced: Readonly<Record<string, string>> = {}) => {
    let bytes = toBytes({ ...parts, lines: [...expectation, `Content-Length: ${length}`] });
    for (const [from, to] of Object.entries(replaced)) bytes = bytes.replace(from, to);
    return sockets.exchange(bytes);
  };

  it.each(POST_PATHS)('receives 401 without it before its token is accepted: %s', async (target) => {
    const { status, head } = await announce({ target }, 10, { [world.token]: 'not-a-token' });
    expect(status).toBe(401);
    expect(head).not.toContain(INTERIM);
  });

  it.each(POST_PATHS)('receives 403 without it when it is not allowed: %s', async (target) => {
    const { status, head } = await announce({ target, host: 'evil.example' }, 10);
    expect([status, head.includes(INTERIM)]).toEqual([403, false]);
  });

  it.each(POST_PATHS.filter((path) => !path.startsWith('/admin')))(
    'receives 413 without it when it announces a body over the limit: %s',
    async (target) => {
      const { status, head } = await announce({ target }, MAX_BODY + 1);
      expect([status, head.includes(INTERIM)]).toEqual([413, false]);
    },
  );

  it('receives 413 without it from the admin API', async () => {
    const admin = await world.gateway.token({ roles: ['admin'] });
    const { status, head } = await announce({ target: '/admin/v1/servers' }, 2 ** 40, { [world.token]: admin });
    expect([status, head.includes(INTERIM)]).toEqual([413, false]);
  });

  it.each([
    ['415 for another type of body', 'application/json\r\nConnection', 'text/plain\r\nConnection', 415],
    ['406 for another type of answer', LEGACY_HEADERS.accept, 'image/png', 406],
    ['405 for another method', 'POST /mcp', 'PUT /mcp', 405],
    ['404 for an unknown server', 'POST /mcp', 'POST /servers/none/mcp', 404],
    ['404 for an unknown path', 'POST /mcp', 'POST /nothing', 404],
    ['400 for a repeated header', 'Connection: close', 'Connection: close\r\nHost: localhost', 400],
    ['417 for another expectation', '100-continue', 'miracle', 417],
  ])('receives %s without it', async (_what, from, to, expected) => {
    let bytes = toBytes({ target: '/mcp', lines: ['Content-Length: 10', 'Expect: 100-continue'] });
    bytes = bytes.replace('Connection: close', 'Content-Type: application/json\r\nConnection: close').replace(from, to);
    const { status, head } = await sockets.exchange(bytes);
    expect([status, head.includes(INTERIM)]).toEqual([expected, false]);
  });

  it.each(['/mcp', '/rpc', '/servers/old/rpc', '/admin/v1/tokens'])(
    'receives it once the request is admitted, and the answer after its body: %s',
    async (target) => {
      const admin = await world.gateway.token({ roles: ['admin', 'user'] });
      const bodies: Record<string, object> = {
        '/mcp': INITIALIZE,
        '/admin/v1/tokens': { name: 'x', expiresInSeconds: 60 },
      };
      const body = JSON.stringify(bodies[target] ?? ping());
      const lines = [...expectation, `Content-Length: ${body.length}`];
      const answer = await sockets.converse(toBytes({ target, lines }).replace(world.token, admin), INTERIM, body);
      expect(answer.body).toMatch(/^HTTP\/1\.1 (?:200|201|4\d\d)/);
      if (!target.startsWith('/admin')) expect(answer.body).toMatch(/^HTTP\/1\.1 200/);
    },
  );
});

describe('an answer before the whole body', () => {
  // More than the buffers of both sockets hold, so that the client still sends when the gateway has answered.
  const LARGE = 12 * 1024 * 1024;
  const filler = 'x'.repeat(LARGE);

  const EARLY: Record<string, readonly [number, (bytes: string) => string]> = {
    'is too large': [413, (bytes) => bytes],
    'has an invalid token': [401, (bytes) => bytes.replace(world.token, 'not-a-token')],
    'comes from a foreign host': [403, (bytes) => bytes.replace('Host: 127.0.0.1', 'Host: evil.example')],
    'repeats a header': [400, (bytes) => bytes.replace('Connection: close', 'Connection: close\r\nHost: localhost')],
    'has another type': [415, (bytes) => bytes.replace('Content-Type: application/json', 'Content-Type: text/plain')],
    'is sent to an unknown path': [404, (bytes) => bytes.replace(/^POST \S+/, 'POST /nothing')],
  };

  it.each(Object.entries(EARLY))(
    'reaches a client that sends all of it first, when the request %s',
    async (_what, [expected, change]) => {
      for (const target of ['/mcp', '/servers/old/rpc', '/messages', '/admin/v1/servers']) {
        // The admin API accepts larger bodies and reads them after its checks.
        if (target.startsWith('/admin') && (expected === 413 || expected === 415)) continue;
        const { status, wasReset } = await sockets.sendAll(change(toBytes({ target, body: filler })));
        expect({ target, status, wasReset }).toEqual({ target, status: expected, wasReset: false });
      }
    },
  );

  it('reaches a client whose chunked body is too large', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const head = toBytes({ target: '/rpc', lines: ['Transfer-Encoding: chunked', 'Content-Type: application/json'] });
    const { status, wasReset } = await sockets.sendAll(`${head}${chunk.repeat(128)}0\r\n\r\n`);
    expect({ status, wasReset }).toEqual({ status: 413, wasReset: false });
  });

  it('is the only one, although the rest of the body looks like a request', async () => {
    const hidden = toBytes({ target: '/rpc', body: JSON.stringify(ping()) });
    const refused = toBytes({ target: '/rpc', body: filler }).replace(world.token, 'not-a-token');
    const { text } = await sockets.sendAll(refused + hidden + hidden);
    expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 401']);
  });
});
