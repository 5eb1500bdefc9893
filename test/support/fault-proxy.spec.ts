import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startFaultProxy, type FaultProxy } from './fault-proxy.js';
import { until } from './until.js';

let echo: Server;
let heard: string;
let proxy: FaultProxy;

beforeEach(async () => {
  heard = '';
  echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString();
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
  said: string;
  fault: string;
}

async function dial(port = proxy.port): Promise<Line> {
  const socket = connect(port, '127.0.0.1');
  const line: Line = { socket, said: '', fault: '' };
  socket.on('data', (chunk: Buffer) => (line.said += chunk.toString()));
  socket.on('error', (fault: Error & { code?: string }) => (line.fault = fault.code ?? fault.message));
  await once(socket, 'connect');
  return line;
}

describe('a fault proxy', () => {
  it('passes bytes on both ways, and an end too', async () => {
    const line = await dial();
    line.socket.end('hello');
    await once(line.socket, 'close');
    expect([line.said, line.fault]).toEqual(['hello', '']);
    await until(() => proxy.connections === 0);
  });

  it('severs what is open and lets the next through', async () => {
    const line = await dial();
    line.socket.write('a');
    await until(() => line.said === 'a');
    proxy.sever();
    await until(() => line.socket.closed);
    expect(line.fault).toBe('ECONNRESET');
    const next = await dial();
    next.socket.write('b');
    await until(() => next.said === 'b');
  });

  it('cuts until it resumes', async () => {
    proxy.cut();
    await expect(dial().then(({ socket }) => once(socket, 'close'))).rejects.toThrow('ECONNRESET');
    proxy.resume();
    const next = await dial();
    next.socket.write('b');
    await until(() => next.said === 'b');
    expect(heard).toBe('b');
  });

  it('holds all that is under way and hands it on late', async () => {
    const line = await dial();
    proxy.blackhole();
    line.socket.write('late');
    const other = await dial();
    other.socket.write(', later');
    await until(() => line.socket.bytesWritten > 0 && other.socket.bytesWritten > 0);
    expect([heard, line.said]).toEqual(['', '']);
    proxy.resume();
    await until(() => line.said === 'late' && other.said === ', later');
  });

  it('loses a reply whose request arrived', async () => {
    const line = await dial();
    proxy.blackhole('replies');
    line.socket.write('done');
    await until(() => heard === 'done');
    proxy.sever();
    await until(() => line.socket.closed);
    expect(line.said).toBe('');
  });

  it('leads elsewhere whoever connects from now on', async () => {
    const line = await dial();
    const elsewhere = createServer((socket) => void socket.on('error', () => {}).end('elsewhere')).listen(
      0,
      '127.0.0.1',
    );
    await once(elsewhere, 'listening');
    proxy.redirectTo(`127.0.0.1:${(elsewhere.address() as AddressInfo).port}`);
    const next = await dial();
    await until(() => next.said === 'elsewhere');
    line.socket.write('still here');
    await until(() => line.said === 'still here');
    expect(heard).toBe('still here');
    elsewhere.close();
  });

  it('is slower than the straight way, and keeps the order', async () => {
    const [slow, straight] = [await dial(), await dial((echo.address() as AddressInfo).port)];
    proxy.delay(300);
    slow.socket.write('1');
    await until(() => slow.socket.bytesWritten === 1);
    straight.socket.write('a');
    await until(() => straight.said === 'a');
    expect(slow.said).toBe('');
    proxy.delay(0);
    slow.socket.write('2');
    await until(() => slow.said === '12');
    expect(heard).toBe('a12');
    straight.socket.destroy();
  });
});
