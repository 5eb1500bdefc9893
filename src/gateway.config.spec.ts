import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '#lib/config';
import { GatewayConfig, removePublicPath } from './gateway.config.js';

const load = (variables: Record<string, string>) => loadConfig([GatewayConfig], variables)[0];

describe('GatewayConfig', () => {
  it('listens on the loopback address and port 4444 by default', () =>
    expect(load({})).toMatchObject({ host: '127.0.0.1', port: 4444 }));

  it.each(['0.0.0.0', '::1', 'localhost', 'mcp-1.example.com'])('accepts the host %s', (host) => {
    expect(load({ ISTHMUS_HOST: host }).host).toBe(host);
  });

  it.each<[string, string]>([
    ['ISTHMUS_HOST', 'http://localhost'],
    ['ISTHMUS_HOST', 'a b'],
    ['ISTHMUS_PORT', '65536'],
    ['ISTHMUS_PORT', '-1'],
    ['ISTHMUS_WORKERS', '0'],
    ['ISTHMUS_WORKERS', '1.5'],
    ['ISTHMUS_PUBLIC_URL', 'mcp.example.com'],
    ['ISTHMUS_PUBLIC_URL', 'https://mcp.example.com/base?query'],
    ['ISTHMUS_PUBLIC_URL', 'https://mcp.example.com/a//b'],
    ['ISTHMUS_PUBLIC_URL', 'https://mcp.example.com/a/../servers'],
    ['ISTHMUS_PUBLIC_URL', 'https://mcp.example.com/a" x="'],
    ['ISTHMUS_PUBLIC_URL', 'https://mcp.example.com/servers'],
    ['ISTHMUS_PUBLIC_URL', 'https://mcp.example.com/admin/'],
    ['ISTHMUS_PUBLIC_URL', 'https://mcp.example.com/metrics'],
    ['ISTHMUS_PUBLIC_URL', 'https://mcp.example.com/.well-known/x'],
    ['ISTHMUS_PUBLIC_URL', 'https://user@mcp.example.com'],
    ['ISTHMUS_PUBLIC_URL', 'https://mcp.example.com" x="'],
  ])('rejects %s=%s', (variable, value) => {
    expect(() => load({ [variable]: value })).toThrow(variable);
  });

  it('uses one worker by default', () => expect(load({})).toMatchObject({ workers: 1 }));

  it.each(['https://mcp.example.com', 'http://[::1]:8443/'])('accepts the public URL %s', (publicUrl) => {
    expect(load({ ISTHMUS_PUBLIC_URL: publicUrl }).publicUrl).toBe(publicUrl);
  });

  it.each([
    ['https://mcp.example.com', ''],
    ['https://mcp.example.com/', ''],
    ['https://mcp.example.com/tools', '/tools'],
    ['https://mcp.example.com/a/B.1/', '/a/B.1'],
    ['https://mcp.example.com/servers-2', '/servers-2'],
  ])('takes the path of the public URL %s', (publicUrl, path) => {
    expect(load({ ISTHMUS_PUBLIC_URL: publicUrl }).publicPath).toBe(path);
  });
});

describe('removePublicPath', () => {
  it.each([
    ['/mcp', '', '/mcp'],
    ['/gw/mcp', '/gw', '/mcp'],
    ['/mcp', '/gw', '/mcp'],
    ['/gw', '/gw', '/'],
    ['/gw/', '/gw', '/'],
    ['/gw?x=1', '/gw', '/?x=1'],
    ['/gw/messages?sessionId=1', '/gw', '/messages?sessionId=1'],
    ['/gwx/mcp', '/gw', '/gwx/mcp'],
    ['/a/b/servers/s/mcp', '/a/b', '/servers/s/mcp'],
    ['/mcp', '/mcp', '/mcp'],
    ['/mcp/?x=1', '/mcp', '/mcp/?x=1'],
    ['/mcp/mcp', '/mcp', '/mcp'],
    ['/mcp/admin/v1', '/mcp', '/admin/v1'],
  ])('turns %s below "%s" into %s', (path, publicPath, served) => {
    expect(removePublicPath(path, publicPath)).toBe(served);
  });
});
