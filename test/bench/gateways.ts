import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '#lib/testing/redis-server';
import { PinnedProcess } from './pinned-process.js';
import { HOST, UPSTREAM_PATH, type Era, type Target } from './workload.js';

const run = promisify(execFile);

const START_DEADLINE_MS = 30_000;
const POLL_MS = 20;

const GATEWAY = new URL('../../src/main.js', import.meta.url);
const COMMAND_LINE = new URL('../../src/command-line/isthmus-cli.js', import.meta.url);

export interface GatewaysPlan {
  /** Port of the upstream server. */
  readonly upstreamPort: number;
  /** Configuration. Default: one server for each era. */
  readonly configuration?: object;
  /** One gateway for each element; undefined for a gateway that is not pinned. */
  readonly cores: readonly (number | undefined)[];
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments for Node itself. */
  readonly nodeArgs?: readonly string[];
}

export interface RunningGateway {
  readonly process: PinnedProcess;
  /** Time from the start of the process until it accepted connections, in milliseconds. */
  readonly startMs: number;
  /** The endpoint of that era's server. The default authorization is a token of the subject `bench`. */
  target(era: Era, authorization?: string): Target;
}

/** Gateways as in production: with authentication, one endpoint for each server, and a shared data folder. */
export interface Gateways {
  readonly all: readonly RunningGateway[];
  /** An `Authorization` header for another subject. */
  authorize(subject: string): Promise<string>;
  stop(): Promise<void>;
}

/** Resolves when all of them accept connections. */
export async function startGateways(plan: GatewaysPlan): Promise<Gateways> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-bench-'));
  const log = join(folder, 'gateway.log');
  const env = { ISTHMUS_DATA_DIR: folder, ISTHMUS_CONFIG: join(folder, 'isthmus.yaml'), ...plan.env };
  await writeFile(env.ISTHMUS_CONFIG, JSON.stringify(plan.configuration ?? serverPerEra(plan.upstreamPort)));
  const authorize = async (subject: string): Promise<string> => `Bearer ${await issueToken(env, subject)}`;
  const started: PinnedProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((process) => process.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    // Creates the secrets before the gateways start, so that they do not race.
    const authorization = await authorize('bench');
    const all: Promise<RunningGateway>[] = [];
    for (const core of plan.cores) {
      const gateway = startGateway({ ...plan, env }, core, log, authorization, await freePort());
      started.push(gateway.process);
      all.push(onceListening(gateway));
    }
    return { all: await Promise.all(all), authorize, stop };
  } catch (error) {
    const written = await readFile(log, 'utf8').catch(() => '');
    await stop();
    throw new Error(`The gateway did not start. It wrote:\n${written.slice(-4_000)}`, { cause: error });
  }
}

function startGateway(
  { env, nodeArgs = [] }: GatewaysPlan,
  core: number | undefined,
  log: string,
  authorization: string,
  port: number,
): Omit<RunningGateway, 'startMs'> {
  const process = new PinnedProcess({
    ...(core === undefined ? {} : { core }),
    nodeArgs,
    script: fileURLToPath(GATEWAY),
    env: { ...env, ISTHMUS_PORT: String(port) },
    log,
  });
  const target = (era: Era, other = authorization): Target => ({
    host: HOST,
    port,
    path: `/servers/${era}/mcp`,
    authorization: other,
  });
  return { process, target };
}

/** One server for each era, under the era's name. JSON is valid YAML. */
function serverPerEra(upstreamPort: number): object {
  const server = (era: Era): object => ({
    transport: 'http',
    url: `http://${HOST}:${upstreamPort}${UPSTREAM_PATH[era]}`,
  });
  return { servers: { legacy: server('legacy'), modern: server('modern') } };
}

async function issueToken(env: Readonly<Record<string, string>>, subject: string): Promise<string> {
  const args = [fileURLToPath(COMMAND_LINE), 'token', '--subject', subject, '--expires', '60m'];
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, ...env } });
  const token = /[\w-]+\.[\w-]+\.[\w-]+/.exec(stdout)?.[0];
  if (token === undefined) throw new Error(`No token was issued: ${stdout}`);
  return token;
}

async function onceListening(gateway: Omit<RunningGateway, 'startMs'>): Promise<RunningGateway> {
  const begun = performance.now();
  await listening(gateway.process, gateway.target('modern').port);
  return { ...gateway, startMs: performance.now() - begun };
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
