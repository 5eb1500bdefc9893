import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CORES, PinnedProcess } from './pinned-process.js';
import { UPSTREAM_PATH, type Era, type Target } from './workload.js';

const run = promisify(execFile);

const HOST = '127.0.0.1';
const START_DEADLINE_MS = 30_000;
const POLL_MS = 50;

const UPSTREAM = new URL('./upstream.js', import.meta.url);
const BARE_PROXY = new URL('./bare-proxy.js', import.meta.url);
const GATEWAY = new URL('../../src/main.js', import.meta.url);
const TOKEN_CLI = new URL('../../src/auth/token-cli.js', import.meta.url);

export const SUBJECT_NAMES = ['direct', 'bare proxy', 'gateway'] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

/** What is measured: a process that answers the same call on its own core. */
export interface Subject {
  readonly name: SubjectName;
  readonly process: PinnedProcess;
  target(era: Era): Target;
  stop(): Promise<void>;
}

export interface Upstream {
  readonly port: number;
  stop(): Promise<void>;
}

/** The server behind the subjects. */
export async function startUpstream(core: number = CORES.upstream): Promise<Upstream & { process: PinnedProcess }> {
  const process = new PinnedProcess({ core, script: UPSTREAM });
  return { process, port: await process.announcedPort(), stop: () => process.stop() };
}

export function startSubject(name: SubjectName, upstream: Upstream): Promise<Subject> {
  switch (name) {
    case 'direct':
      return startDirect();
    case 'bare proxy':
      return startBareProxy(upstream);
    case 'gateway':
      return startGateway(upstream);
  }
}

/** The server itself, as the subject: what the load generator can drive at most. */
async function startDirect(): Promise<Subject> {
  const { process, port, stop } = await startUpstream(CORES.subject);
  return { name: 'direct', process, target: (era) => ({ host: HOST, port, path: UPSTREAM_PATH[era] }), stop };
}

async function startBareProxy(upstream: Upstream): Promise<Subject> {
  const origin = `http://${HOST}:${upstream.port}`;
  const process = new PinnedProcess({ core: CORES.subject, script: BARE_PROXY, args: [origin] });
  const port = await process.announcedPort();
  return {
    name: 'bare proxy',
    process,
    target: (era) => ({ host: HOST, port, path: UPSTREAM_PATH[era] }),
    stop: () => process.stop(),
  };
}

/** The gateway as an operator runs it: authentication on, each server behind its transparent endpoint. */
async function startGateway(upstream: Upstream): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-bench-'));
  const config = join(folder, 'isthmus.yaml');
  const log = join(folder, 'gateway.log');
  await writeFile(config, configuration(upstream));
  const port = await freePort();
  const env = { ISTHMUS_PORT: String(port), ISTHMUS_DATA_DIR: folder, ISTHMUS_CONFIG: config };
  const process = new PinnedProcess({ core: CORES.subject, script: fileURLToPath(GATEWAY), env, log });
  const stop = async (): Promise<void> => {
    await process.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await listening(process, port);
    const authorization = `Bearer ${await issueToken(env)}`;
    const target = (era: Era): Target => ({ host: HOST, port, path: `/servers/${era}/mcp`, authorization });
    return { name: 'gateway', process, target, stop };
  } catch (error) {
    const written = await readFile(log, 'utf8').catch(() => '');
    await stop();
    throw new Error(`The gateway did not start. It wrote:\n${written.slice(-4_000)}`, { cause: error });
  }
}

/** One server per era under the era's name; JSON is YAML. */
function configuration(upstream: Upstream): string {
  const server = (era: Era): object => ({
    transport: 'http',
    url: `http://${HOST}:${upstream.port}${UPSTREAM_PATH[era]}`,
  });
  return JSON.stringify({ servers: { legacy: server('legacy'), modern: server('modern') } });
}

async function issueToken(env: Readonly<Record<string, string>>): Promise<string> {
  const args = [fileURLToPath(TOKEN_CLI), '--subject', 'bench', '--expires', '60m'];
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, ...env } });
  const token = /[\w-]+\.[\w-]+\.[\w-]+/.exec(stdout)?.[0];
  if (token === undefined) throw new Error(`No token was issued: ${stdout}`);
  return token;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

/** Resolves when the port accepts connections. */
async function listening(process: PinnedProcess, port: number): Promise<void> {
  const deadline = performance.now() + START_DEADLINE_MS;
  while (!(await accepts(port))) {
    if (!process.running) throw new Error('It ended.');
    if (performance.now() > deadline) throw new Error(`It did not listen within ${START_DEADLINE_MS} ms.`);
    await pause(POLL_MS);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
