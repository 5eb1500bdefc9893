import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import pg from 'pg';
import { ended, freePort } from '#lib/testing/redis-server';
import { findPrograms, changeOwner, type PostgresPrograms } from './postgres-programs.js';

const run = promisify(execFile);
const READY = /database system is ready to accept connections/;
/** Durability is not needed, and many servers run at the same time. */
const SETTINGS = { fsync: 'off', unix_socket_directories: '', max_connections: '50', shared_buffers: '16MB' };

/** Controls a running PostgreSQL server. */
export interface RunningPostgres {
  readonly port: number;
  /** Creates an empty database. Its URL contains a password, which the server does not check. */
  createDatabase(): Promise<string>;
  /** Runs a statement on its own connection and returns the rows. */
  query(url: string, statement: string): Promise<Record<string, unknown>[]>;
  /** Ends the process, in order (connections are closed with a notice) or like a crash. Resolves when it has exited. */
  end(how: 'in order' | 'crash'): Promise<void>;
  /** Starts an ended server on the same port with all committed data. */
  restart(): Promise<void>;
  /** Ends the process and removes its files. */
  stop(): Promise<void>;
}

/**
 * Starts a server with its own data folder. Throws an error that names the missing package when PostgreSQL is not
 * installed.
 */
export async function startPostgres(): Promise<RunningPostgres> {
  const programs = await findPrograms();
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-postgres-'));
  await changeOwner(programs.user, folder);
  const options = [
    '--auth=trust',
    '--username=isthmus',
    '--encoding=UTF8',
    '--no-locale',
    '--no-sync',
    '--no-instructions',
  ];
  await run(programs.initdb, [...options, `--pgdata=${folder}`], { ...programs.user, cwd: folder });
  const server = new PostgresServer(await freePort(), folder, programs);
  await server.start();
  return server;
}

class PostgresServer implements RunningPostgres {
  private child: ChildProcess | undefined;
  private databases = 0;

  constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly programs: PostgresPrograms,
  ) {}

  async start(): Promise<void> {
    const { postgres, user } = this.programs;
    const own = { ...SETTINGS, port: `${this.port}`, listen_addresses: '127.0.0.1' };
    const settings = Object.entries(own).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const stdio: ['ignore', 'ignore', 'pipe'] = ['ignore', 'ignore', 'pipe'];
    const child = spawn(postgres, ['-D', this.folder, ...settings], { ...user, cwd: this.folder, stdio });
    const leave = () => child.kill('SIGKILL');
    process.once('exit', leave);
    child.once('exit', () => process.off('exit', leave));
    this.child = child;
    await untilReady(child.stderr);
  }

  async createDatabase(): Promise<string> {
    this.databases += 1;
    const name = `isthmus_${this.databases}`;
    await this.query(this.urlOf('postgres'), `create database ${name}`);
    return this.urlOf(name);
  }

  async query(url: string, statement: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  }

  async end(how: 'in order' | 'crash'): Promise<void> {
    if (this.child === undefined) return;
    // See "Shutting Down the Server" in the manual. SIGKILL would orphan its child processes.
    this.child.kill(how === 'crash' ? 'SIGQUIT' : 'SIGINT');
    await ended(this.child);
  }

  restart(): Promise<void> {
    return this.start();
  }

  async stop(): Promise<void> {
    await this.end('crash');
    await rm(this.folder, { recursive: true, force: true });
  }

  private urlOf(database: string): string {
    return `postgres://isthmus:not-asked-for@127.0.0.1:${this.port}/${database}`;
  }
}

/** Resolves once the server accepts connections. Throws its last output when it exits instead. */
async function untilReady(output: Readable): Promise<void> {
  const lines: string[] = [];
  for await (const line of createInterface(output)) {
    if (READY.test(line)) {
      // Discard later output so that it does not fill the pipe.
      output.resume();
      return;
    }
    lines.push(line);
  }
  throw new Error(`PostgreSQL exited during its start:\n${lines.slice(-5).join('\n')}`);
}
