import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { firstGreeting, laterGreeting, toLocalUrl } from './greeting.js';

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln';

/** Runs a line in a shell against a server that records the requests. */
async function pasted(lineOf: (url: string) => string) {
  const asked: { request: IncomingMessage; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      asked.push({ request, body });
      response.end('served');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const output = await new Promise<string>((resolve, reject) => {
      execFile('sh', ['-c', lineOf(toLocalUrl('127.0.0.1', port))], (error, stdout) =>
        error ? reject(new Error(error.message)) : resolve(stdout),
      );
    });
    return { output, asked };
  } finally {
    server.close();
  }
}

const COMMAND = 'npx isthmus token';
const ECHO = { method: 'tools/call', params: { name: 'sample__echo', arguments: { text: "It's me" } } };

describe('the first greeting', () => {
  const greet = (url: string, more: { adminToken?: string } = {}) =>
    firstGreeting({ url, userToken: TOKEN, dataFolder: '/home/me/data', call: ECHO, tokenCommand: COMMAND, ...more });

  it('contains a call that works when pasted, with any characters in it', async () => {
    const { output, asked } = await pasted(
      (url) =>
        greet(url)
          .split('\n')
          .find((line) => line.startsWith('curl ')) ?? 'false',
    );
    const [call] = asked;
    expect(output).toBe('served');
    expect(call?.request).toMatchObject({ method: 'POST', url: '/rpc' });
    expect(call?.request.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
    });
    expect(JSON.parse(call?.body ?? '')).toEqual({ jsonrpc: '2.0', id: 1, ...ECHO });
  });

  it('contains a client configuration that is valid JSON', () => {
    const text = greet('http://127.0.0.1:4444');
    const snippet = text.slice(text.indexOf('\n{'), text.indexOf('\n}') + 2);
    expect(JSON.parse(snippet)).toEqual({
      mcpServers: {
        isthmus: { type: 'http', url: 'http://127.0.0.1:4444/mcp', headers: { Authorization: `Bearer ${TOKEN}` } },
      },
    });
  });

  it('names the endpoint, the admin page, the admin documentation and the data folder', () => {
    const text = greet('http://127.0.0.1:4444');
    expect(text).toContain('ready at http://127.0.0.1:4444/mcp');
    expect(text).toContain('page is at http://127.0.0.1:4444/admin/ui/\n');
    expect(text).toContain('http://127.0.0.1:4444/admin/v1/docs');
    expect(text).toContain('/home/me/data');
  });

  it('contains the admin token, or without one the command that creates one', () => {
    const [terminal, file] = [greet('http://a', { adminToken: 'eyAdmin' }), greet('http://a')];
    expect(terminal).toMatch(/\(`npx isthmus token` creates others\):\n\neyAdmin$/m);
    expect(file).not.toMatch(/^ey/m);
    expect(file).toMatch(/npx isthmus token --subject \S+ --role admin/);
  });
});

describe('a later greeting', () => {
  it('contains no token, but the command that creates one', () => {
    const text = laterGreeting({ url: 'http://127.0.0.1:4444', dataFolder: '/home/me/data', tokenCommand: COMMAND });
    expect(text).toContain('http://127.0.0.1:4444/mcp');
    expect(text).toContain('http://127.0.0.1:4444/admin/ui/');
    expect(text).toMatch(/npx isthmus token --subject \S+ --role admin/);
  });
});

it('names the admin page at the public URL, to which its cookies belong', () => {
  const place = { url: 'http://127.0.0.1:4444', dataFolder: '/home/me/data', tokenCommand: COMMAND };
  const text = laterGreeting({ ...place, publicUrl: 'https://example.com/tools/' });
  expect(text).toContain('The admin page is at https://example.com/tools/admin/ui/\n');
});

describe('toLocalUrl', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:4444'],
    ['localhost', 'http://localhost:4444'],
    ['0.0.0.0', 'http://127.0.0.1:4444'],
    ['::', 'http://[::1]:4444'],
    ['::1', 'http://[::1]:4444'],
  ])('maps the listening address %s to %s', (host, url) => {
    expect(toLocalUrl(host, 4444)).toBe(url);
  });
});
