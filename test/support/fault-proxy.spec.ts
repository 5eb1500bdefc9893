import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startFaultProxy, type FaultProxy } from './fault-proxy.js';
import { until } from './until.js';

let echo: Server;
let atTarget: string;
let proxy: FaultProxy;

beforeEach(async () => {
  atTarget = '';
  echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      atTarget += chunk.toString();
      socket.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startFaultProxy(`127.0.0.1:${(echo.address() as AddressInfo).port}`);
});

afterEach(async () => {
  await proxy.close();
  echo.close();
});

interface Line {
  readonly socket: Socket;
  received: string;
  fault: string;
}

async function dial(port = proxy.port): Promise<Line> {
  const socket = connect(port, '127.0.0.1');
  const line: Line = { socket, received: '', fault: '' };
  socket.on('data', (chunk: Buffer) => (line.received += chunk.toString()));
  socket.on('error', (fault: Error & { code?: string }) => (line.fault = fault.code ?? fault.message));
  await once(socket, 'connect');
  return line;
}

describe('a fault proxy', () => {
  it('forwards bytes and the end of a connection in both directions', async () => {
    const line = await dial();
    line.socket.end('hello');
    await once(line.socket, 'close');
    expect([line.received, line.fault]).toEqual(['hello', '']);
    await until(() => proxy.connections === 0);
  });

  it('resets open connections and forwards later ones after sever', async () => {
    const line = await dial();
    line.socket.write('a');
    await until(() => line.received === 'a');
    proxy.sever();
    await until(() => line.socket.closed);
    expect(line.fault).toBe('ECONNRESET');
    const next = await dial();
    next.socket.write('b');
    await until(() => next.received === 'b');
  });

  it('resets all connections between cut and resume', async () => {
    proxy.cut();
    await expect(dial().then(({ socket }) => once(socket, 'close'))).rejects.toThrow('ECONNRESET');
    proxy.resume();
    const next = await dial();
    next.socket.write('b');
    await until(() => next.received === 'b');
    expect(atTarget).toBe('b');
  });

  it('holds all bytes between blackhole and resume and then delivers them', async () => {
    const line = await dial();
    proxy.blackhole();
    line.socket.write('late');
    const other = await dial();
    other.socket.write(', later');
    await until(() => line.socket.bytesWritten > 0 && other.socket.bytesWritten > 0);
    expect([atTarget, line.received]).toEqual(['', '']);
    proxy.resume();
    await until(() => line.received === 'late' && other.received === ', later');
  });

  it('loses a reply whose request was delivered', async () => {
    const line = await dial();
    proxy.blackhole('replies');
    line.socket.write('done');
    await until(() => atTarget === 'done');
    proxy.sever();
    await until(() => line.socket.closed);
    expect(line.received).toBe('');
  });

  it('connects new clients to the new target after redirectTo', async () => {
    const line = await dial();
    const elsewhere = createServer((socket) => void socket.on('error', () => {}).end('elsewhere')).listen(
      0,
      '127.0.0.1',
    );
    await once(elsewhere, 'listening');
    proxy.redirectTo(`127.0.0.1:${(elsewhere.address() as AddressInfo).port}`);
    const next = await dial();
    await until(() => next.received === 'elsewhere');
    line.socket.write('still here');
    await until(() => line.received === 'still here');
    expect(atTarget).toBe('still here');
    elsewhere.close();
  });

  it('delays bytes and preserves their order', async () => {
    const [slow, straight] = [await dial(), await dial((echo.address() as AddressInfo).port)];
    proxy.delay(300);
    slow.socket.write('1');
    await until(() => slow.socket.bytesWritten === 1);
    straight.socket.write('a');
    await until(() => straight.received === 'a');
    expect(slow.received).toBe('');
    proxy.delay(0);
    slow.socket.write('2');
    await until(() => slow.received === '12');
    expect(atTarget).toBe('a12');
    straight.socket.destroy();
  });
});
