import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.js';

/** A load balancer that knows nothing of sessions. */
export interface Nginx {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts nginx before gateways, with the settings of docs/operating.md: it takes the next one for each request.
 * @throws when there is no nginx on this machine, with the command that installs it
 */
export async function startNginx(gateways: readonly string[]): Promise<Nginx> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-nginx-'));
  const port = await freePort();
  await writeFile(join(folder, 'nginx.conf'), configuration(folder, port, gateways));
  // Debian keeps it where only root's path leads.
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
  const child = spawn('nginx', ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { env, stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'exit').catch(() => {
    throw new Error('There is no nginx here. Run: node scripts/install-test-services.mjs');
  });
  const url = `http://127.0.0.1:${port}`;
  const over = ended.then(() => Promise.reject(new Error(`nginx ended: ${said}`)));
  await Promise.race([over, until(() => answers(url))]);
  over.catch(() => {});
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder: string, port: number, gateways: readonly string[]): string {
  const servers = gateways.map((url) => `server ${new URL(url).host};`).join(' ');
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 2048; }
http {
  access_log off;
  ${paths}
  upstream gateways { ${servers} keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    location = /balancer { return 204; }
    location / {
      proxy_pass http://gateways;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_set_header Host $http_host;
      proxy_buffering off;
      proxy_request_buffering off;
      proxy_read_timeout 1h;
      client_max_body_size 0;
    }
  }
}
`;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/balancer`)).status === 204;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
