/** Bad input below the messages: framing, negotiation, origins, tokens. It never causes a 5xx or a stack trace. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import {
  reversed,
  BadInputWorld,
  expectGoodService,
  expectNothingLeaks,
  expectRefusal,
  INITIALIZE,
  LEGACY_HEADERS,
  ping,
} from '../support/bad-input.js';
import { RawSockets } from '../support/raw-socket.js';

let world: BadInputWorld;
let sockets: RawSockets;

beforeAll(async () => {
  world = await BadInputWorld.start({ ISTHMUS_MAX_BODY: '64KiB' });
  sockets = new RawSockets(world.gateway.url);
});

afterAll(async () => {
  sockets?.close();
  await world?.close();
});

describe('broken HTTP framing', () => {
  afterEach(() => expectGoodService(world));

  const host = 'Host: 127.0.0.1\r\n';
  const post = `POST /mcp HTTP/1.1\r\n${host}Content-Type: application/json\r\n`;
  const FRAMES: Record<string, string> = {
    'noise as request line': 'WHAT IS THIS\r\n\r\n',
    'a TLS handshake': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'an unknown verb': `BREW /mcp HTTP/1.1\r\n${host}\r\n`,
    'an unknown HTTP version': `POST /mcp HTTP/7.3\r\n${host}\r\n`,
    'no host': 'GET /mcp HTTP/1.1\r\nConnection: close\r\n\r\n',
    'two lengths': `${post}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
    'a length and chunks': `${post}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'a negative length': `${post}Content-Length: -2\r\n\r\n{}`,
    'a length in words': `${post}Content-Length: two\r\n\r\n{}`,
    'a chunk size in words': `${post}Transfer-Encoding: chunked\r\n\r\nmany\r\n{}\r\n0\r\n\r\n`,
    'an unknown transfer coding': `${post}Transfer-Encoding: braille\r\n\r\n{}`,
    'a header without a name': `${post}: nameless\r\n\r\n`,
    'a space before the colon': `${post}Mcp-Session-Id : 1\r\n\r\n`,
    'a null byte in a header': `${post}X-Odd: a\0b\r\n\r\n`,
    'a folded header': `${post}X-Odd: a\r\n b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    'an overlong header': `${post}X-Long: ${'x'.repeat(100_000)}\r\n\r\n`,
    'thousands of headers': `${post}${'X-Many: 1\r\n'.repeat(5_000)}\r\n`,
    'an overlong target': `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n${host}\r\n`,
    'an unknown expectation': `${post}Expect: a miracle\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    'an absolute target of another host': `GET http://evil.example/mcp HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    'a tunnel': `CONNECT evil.example:443 HTTP/1.1\r\n${host}\r\n`,
    'an upgrade': `GET /mcp HTTP/1.1\r\n${host}Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`,
  };

  it.each(Object.entries(FRAMES))('a request with %s is rejected', async (_name, bytes) => {
    const answer = await sockets.exchange(Buffer.from(bytes, 'latin1'));
    expect(answer.status === 0 || (answer.status >= 400 && answer.status < 500)).toBe(true);
    expectNothingLeaks(answer.body);
  });

  it('a client that disconnects during its body does no harm', async () => {
    await sockets.sendAndReset(`${post}Content-Length: 4096\r\n\r\n{"jsonrpc":`);
    await sockets.sendAndReset(`${post}Transfer-Encoding: chunked\r\n\r\n5\r\n{"jso`);
    expect((await world.send({ headers: LEGACY_HEADERS, body: INITIALIZE })).status).toBe(200);
  });

  it('a client that resets its connection after its tunnel was refused does no harm', async () => {
    const tunnel = `CONNECT evil.example:443 HTTP/1.1\r\n${host}\r\n`;
    for (let count = 0; count < 5; count += 1) {
      expect(await sockets.resetAfterAnswer(tunnel)).toMatch(/^HTTP\/1\.1 405 /);
    }
    await sockets.sendAndReset(tunnel);
    expect((await world.send({ headers: LEGACY_HEADERS, body: INITIALIZE })).status).toBe(200);
  });

  it('a second request on an authorized connection needs its own token', async () => {
    const body = JSON.stringify(ping());
    const good = `POST /rpc HTTP/1.1\r\n${host}Authorization: Bearer ${world.token}\r\nContent-Type: application/json\r\n`;
    const hidden = `GET /servers/old/mcp HTTP/1.1\r\n${host}Connection: close\r\n\r\n`;
    const answer = await sockets.exchange(`${good}Content-Length: ${body.length}\r\n\r\n${body}${hidden}`);
    const statuses = [...`${answer.head}${answer.body}`.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => match[1]);
    expect(statuses).toEqual(['200', '401']);
  });
});

describe('unknown paths and verbs', () => {
  afterAll(() => expectGoodService(world));

  it.each([
    '/',
    '/nothing',
    `/servers/${'x'.repeat(5_000)}/mcp`,
    '/mcp/more',
    '/%zz',
    '/servers/old',
    '/servers/old/../../mcp/x',
    '/%2e%2e/%2e%2e/etc/passwd',
  ])('path %s is answered 404', async (path) => {
    const { status, body } = await world.send({ path, headers: LEGACY_HEADERS, body: ping() });
    expect([400, 404, 405, 414]).toContain(status);
    expectNothingLeaks(body);
  });

  it.each(['none', 'OLD', 'old%00', '..%2f', '__proto__', 'constructor', 'x'.repeat(64)])(
    'an unknown server named %s is answered 404',
    async (slug) => {
      expectRefusal(await world.send({ path: `/servers/${slug}/mcp`, headers: LEGACY_HEADERS, body: INITIALIZE }), 404);
    },
  );

  it.each(['PUT', 'PATCH'] as const)('verb %s is rejected at MCP endpoints', async (verb) => {
    const { status, body } = await world.send({ verb, headers: LEGACY_HEADERS, body: ping() });
    expect([404, 405]).toContain(status);
    expectNothingLeaks(body);
  });
});

describe('content negotiation', () => {
  afterAll(() => expectGoodService(world));
  const { accept } = LEGACY_HEADERS;

  it.each([
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/json-patch+json',
    'nonsense',
    '',
  ])('content type %j is rejected with 415', async (type) => {
    expectRefusal(
      await world.send({ headers: { accept, 'content-type': type }, body: JSON.stringify(INITIALIZE) }),
      415,
    );
  });

  it('a body without a content type is rejected with 415', async () => {
    expectRefusal(await world.send({ headers: { accept }, body: JSON.stringify(INITIALIZE) }), 415);
  });

  it.each(['text/html', 'text/event-stream', 'image/*', 'nonsense'])(
    'a POST that accepts only %s is rejected with 406',
    async (only) => {
      expectRefusal(await world.send({ headers: { ...LEGACY_HEADERS, accept: only }, body: INITIALIZE }), 406);
    },
  );

  it('a GET that does not accept event streams is rejected with 406', async () => {
    const client = world.legacy();
    await client.connect();
    const headers = { ...client.headers, accept: 'application/json' };
    expectRefusal(await world.send({ verb: 'GET', headers }), 406);
    await client.close();
  });

  it('a compressed body is rejected with 415', async () => {
    const body = gzipSync(JSON.stringify(INITIALIZE));
    for (const encoding of ['gzip', 'br', 'nonsense']) {
      expectRefusal(await world.send({ headers: { ...LEGACY_HEADERS, 'content-encoding': encoding }, body }), 415);
    }
  });

  it.each(['/mcp', '/rpc', '/servers/old/mcp', '/servers/old/rpc'])(
    '%s rejects a body over the limit with 413',
    async (path) => {
      const body = JSON.stringify({ ...ping(), params: { filler: 'x'.repeat(80_000) } });
      expectRefusal(await world.send({ path, headers: LEGACY_HEADERS, body }), 413, -31010);
    },
  );

  it('a chunked body over the limit is rejected with 413', async () => {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const answer = await sockets.exchange(
      `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${world.token}\r\nAccept: ${accept}\r\n` +
        `Content-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(8)}0\r\n\r\n`,
    );
    expect(answer.status).toBe(413);
    expect(answer.body).toContain('-31010');
  });
});

describe('foreign origins and host names (DNS rebinding)', () => {
  afterAll(() => expectGoodService(world));

  const paths = ['/mcp', '/rpc', '/messages', '/servers/old/mcp'];

  it.each(paths)('%s rejects foreign origins with 403', async (path) => {
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost.evil.example',
      'file://',
      'http://127.0.0.1.nip.io',
    ]) {
      expectRefusal(await world.send({ path, headers: { ...LEGACY_HEADERS, origin }, body: INITIALIZE }), 403);
    }
  });

  it.each(paths)('%s rejects foreign host names with 403', async (path) => {
    for (const name of ['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io', '[::2]']) {
      const answer = await sockets.exchange(
        `POST ${path} HTTP/1.1\r\nHost: ${name}\r\nAuthorization: Bearer ${world.token}\r\n` +
          `Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
      );
      expect(answer.status).toBe(403);
    }
  });

  const OTHER_PATHS = [
    '/',
    '/admin/v1/servers',
    '/admin/v1/docs',
    '/admin/v1/openapi.json',
    '/nothing',
    '/.well-known/oauth-protected-resource',
  ];

  it.each(OTHER_PATHS)('%s rejects foreign origins and host names with 403, also with a valid token', async (path) => {
    const authorization = `Bearer ${await world.gateway.token({ roles: ['admin'] })}`;
    const from = async (lines: string) => {
      const { status, head, body } = await sockets.exchange(
        `GET ${path} HTTP/1.1\r\n${lines}\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`,
      );
      return { status, isProblem: head.includes('application/problem+json'), body };
    };
    const refused = { status: 403, isProblem: path.startsWith('/admin'), body: expect.stringContaining('not allowed') };
    expect(await from('Host: evil.example')).toEqual(refused);
    expect(await from('Host: 127.0.0.1\r\nOrigin: https://evil.example')).toEqual(refused);
    expect((await from('Host: 127.0.0.1\r\nOrigin: http://localhost:6274')).status).not.toBe(403);
  });

  it('probes answer under every host name, which reveals only the state', async () => {
    for (const path of ['/health/live', '/health/ready']) {
      const answer = await sockets.exchange(`GET ${path} HTTP/1.1\r\nHost: 10.1.2.3:4444\r\nConnection: close\r\n\r\n`);
      expect(answer.status).toBe(200);
    }
  });

  it('pages of this machine are admitted', async () => {
    const headers = { ...LEGACY_HEADERS, origin: 'http://localhost:6274' };
    expect((await world.send({ headers, body: INITIALIZE })).status).toBe(200);
  });
});

describe('invalid tokens', () => {
  afterAll(() => expectGoodService(world));

  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const forged = (change: (parts: string[]) => string[]): string =>
    `Bearer ${change(world.token.split('.')).join('.')}`;
  const claims = (): Record<string, unknown> =>
    JSON.parse(Buffer.from(world.token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;

  const TOKENS: Record<string, () => string> = {
    'no scheme': () => world.token,
    'no token': () => 'Bearer',
    'an empty token': () => 'Bearer ',
    'another scheme': () => 'Basic Z29vZDpnb29k',
    noise: () => 'Bearer not-a-token',
    'three dots': () => 'Bearer ...',
    'two tokens in one': () => `Bearer ${world.token}, Bearer ${world.token}`,
    'no signature': () => forged(([head = '', body = '']) => [head, body, '']),
    'an altered signature': () => forged(([head = '', body = '', mac = '']) => [head, body, reversed(mac)]),
    'altered claims': () => forged(([head = '', , mac = '']) => [head, part({ ...claims(), sub: 'admin' }), mac]),
    'the algorithm none': () => forged(([, body = '']) => [part({ alg: 'none', typ: 'JWT' }), body, '']),
    'the algorithm None': () => forged(([, body = '', mac = '']) => [part({ alg: 'None' }), body, mac]),
    'another algorithm': () => forged(([, body = '', mac = '']) => [part({ alg: 'HS512', typ: 'JWT' }), body, mac]),
    'a foreign key reference': () =>
      forged(([, body = '', mac = '']) => [
        part({ alg: 'RS256', jku: 'http://127.0.0.1:1/keys', kid: '../../x' }),
        body,
        mac,
      ]),
    'a header that is not JSON': () => forged(([, body = '', mac = '']) => ['e30x', body, mac]),
    'ten thousand characters': () => `Bearer ${'a'.repeat(10_000)}.b.c`,
  };

  it.each(Object.entries(TOKENS))(
    'a token with %s is rejected with 401 and a challenge',
    async (_name, authorization) => {
      for (const path of ['/mcp', '/rpc', '/servers/old/mcp']) {
        const headers = { ...LEGACY_HEADERS, authorization: authorization() };
        const refusal = await world.send({ path, headers, body: INITIALIZE });
        expectRefusal(refusal, 401);
        expect(refusal.headers['www-authenticate']).toMatch(/^Bearer .*resource_metadata="http:\/\/[^"]+"/);
        expect(refusal.body).not.toContain(world.token);
      }
    },
  );

  it('a request without a token is rejected at every endpoint', async () => {
    const requests = [
      ...['/mcp', '/rpc', '/messages', '/message', '/servers/old/mcp', '/servers/old/rpc', '/servers/old/messages'].map(
        (path) => `POST ${path}`,
      ),
      ...['/mcp', '/sse', '/servers/old/mcp', '/servers/old/sse'].map((path) => `GET ${path}`),
      'DELETE /mcp',
    ];
    for (const request of requests) {
      const body = request.startsWith('POST')
        ? 'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
        : '\r\n';
      const answer = await sockets.exchange(
        `${request} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: ${LEGACY_HEADERS.accept}\r\nConnection: close\r\n${body}`,
      );
      expect({ request, status: answer.status }).toEqual({ request, status: 401 });
    }
  });

  it('a token in the URL is ignored', async () => {
    const path = `/mcp?access_token=${world.token}&token=${world.token}`;
    const refusal = await world.send({
      path,
      headers: { ...LEGACY_HEADERS, authorization: 'Bearer x' },
      body: INITIALIZE,
    });
    expectRefusal(refusal, 401);
    expect(JSON.stringify(refusal)).not.toContain(world.token);
  });

  it('headers that claim an identity are ignored', async () => {
    const answer = await sockets.exchange(
      'POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Forwarded-User: admin\r\nX-Forwarded-For: 127.0.0.1\r\nX-Real-IP: 127.0.0.1\r\n' +
        'Forwarded: for=127.0.0.1;host=evil.example\r\nX-Forwarded-Host: evil.example\r\nRemote-User: admin\r\n' +
        'Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}',
    );
    expect(answer.status).toBe(401);
    expect(answer.head).not.toContain('evil.example');
  });

  it('an expired token is rejected', async () => {
    const authorization = `Bearer ${await world.gateway.token({ expiresInSeconds: -120 })}`;
    expectRefusal(await world.send({ headers: { ...LEGACY_HEADERS, authorization }, body: INITIALIZE }), 401);
  });

  it('a token for another audience is rejected', async () => {
    const authorization = `Bearer ${await world.gateway.token({ audience: 'https://other.example/mcp' })}`;
    expectRefusal(await world.send({ headers: { ...LEGACY_HEADERS, authorization }, body: INITIALIZE }), 401);
  });
});
