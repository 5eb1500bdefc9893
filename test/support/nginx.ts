import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.js';

const SHIPPED = join(import.meta.dirname, '../../docker/nginx.conf');

/** A load balancer without session affinity. */
export interface Nginx {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** Replaces the gateways. Resolves when nginx has applied the change. */
  setGateways(gateways: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** The path below which nginx serves the gateways, and whether it removes it from what it passes on. */
export interface PathPrefix {
  readonly path: string;
  readonly isRemoved: boolean;
}

export interface NginxOptions {
  readonly prefix?: PathPrefix;
  /** Default: a free port. */
  readonly port?: number;
}

/**
 * Starts nginx in front of gateways with the shipped configuration (docker/nginx.conf), which uses round robin.
 * @throws when nginx is not installed, with the command that installs it
 */
export async function startNginx(
  gateways: readonly string[],
  { prefix, port: chosen }: NginxOptions = {},
): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-nginx-'));
  const port = chosen ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  let generation = 1;
  const configure = (all: readonly string[]) =>
    writeFile(join(folder, 'nginx.conf'), configuration({ folder, port, gateways: all, generation, prefix }));
  await configure(gateways);
  // Debian installs nginx in a folder that is only on root's path.
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
  const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { env, stdio: 'pipe' });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'exit').catch(() => {
    throw new Error('nginx is not installed. Run: node scripts/install-test-services.mjs');
  });
  const over = ended.then(() => Promise.reject(new Error(`nginx ended: ${output}`)));
  over.catch(() => {});
  await Promise.race([over, until(() => isAt(url, generation))]);
  return {
    url,
    setGateways: async (all) => {
      generation += 1;
      await configure(all);
      child.kill('SIGHUP');
      await Promise.race([over, until(() => isAt(url, generation))]);
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Site {
  readonly folder: string;
  readonly port: number;
  readonly gateways: readonly string[];
  /** Number of the active configuration. */
  readonly generation: number;
  readonly prefix: PathPrefix | undefined;
}

/** The shipped configuration with these gateways and this port. */
function configuration({ folder, port, gateways, generation, prefix }: Site): string {
  const servers = gateways.map((url) => `server ${new URL(url).host};`).join(' ');
  const site = readFileSync(SHIPPED, 'utf8')
    .replace(/(server gateway-\d:4444;\s*)+/, `${servers}\n`)
    .replace('listen 4444;', `listen 127.0.0.1:${port}; location = /balancer { return 200 ${generation}; }`)
    .replace('location / {', prefix ? `location ${prefix.path}/ {` : 'location / {')
    .replace(
      'proxy_pass http://isthmus;',
      prefix?.isRemoved ? 'proxy_pass http://isthmus/;' : 'proxy_pass http://isthmus;',
    );
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 2048; }
http { access_log off; ${paths}
${site} }
`;
}

async function isAt(url: string, generation: number): Promise<boolean> {
  try {
    // A kept connection would still be served by the old configuration.
    const answer = await fetch(`${url}/balancer`, { headers: { connection: 'close' } });
    return (await answer.text()) === String(generation);
  } catch {
    return false;
  }
}

/** Returns a port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
