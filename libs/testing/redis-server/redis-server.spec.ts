import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { startRedis, type RedisOptions, type RunningRedis } from './index.js';

describe('a Redis server for tests', () => {
  const started: RunningRedis[] = [];
  const start = async (options?: RedisOptions) => {
    const redis = await startRedis(options);
    started.push(redis);
    return redis;
  };

  /** Sends an inline command and returns the answer. */
  const ask = async ({ port }: RunningRedis, command: string): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    socket.end(`${command}\r\n`);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'close');
    return Buffer.concat(chunks).toString().trim();
  };

  afterEach(() => Promise.all(started.splice(0).map((redis) => redis.stop())));

  it('listens on its own port as soon as it has started', async () => {
    const [one, other] = await Promise.all([start(), start()]);
    expect(one.port).not.toBe(other.port);
    expect(await ask(one, 'PING')).toBe('+PONG');
    expect(one.url).toBe(`redis://127.0.0.1:${one.port}`);
  });

  it('is empty and on the same port after a restart', async () => {
    const redis = await start();
    const before = redis.pid;
    await ask(redis, 'SET colour red');
    await redis.kill('SIGKILL');
    await expect(ask(redis, 'PING')).rejects.toThrow('ECONNREFUSED');
    await redis.restart();
    expect(redis.pid).not.toBe(before);
    expect(await ask(redis, 'GET colour')).toBe('$-1');
  });

  it('answers after SIGCONT what was sent while it was paused', async () => {
    const redis = await start();
    await redis.kill('SIGSTOP');
    const answer = ask(redis, 'PING');
    await redis.kill('SIGCONT');
    expect(await answer).toBe('+PONG');
  });

  it('applies settings and reports an invalid one', async () => {
    const redis = await start({ settings: { requirepass: 'secret' } });
    expect(await ask(redis, 'PING')).toMatch(/^-NOAUTH/);
    await expect(startRedis({ settings: { colour: 'red' } })).rejects.toThrow(/colour red/);
  });
});
