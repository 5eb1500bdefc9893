import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { scaleDeadline } from '#lib/testing/machine-speed';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json'));
const PROGRAM = join(PACKAGE, 'clients', 'launcher', 'build', 'index.js');

const run = promisify(execFile);

export interface InspectorOrder {
  readonly url: string;
  readonly transport: 'http' | 'sse';
  /** How it negotiates. */
  readonly era: 'legacy' | 'auto' | 'modern';
  readonly token?: string;
  /** Folder for what it remembers between runs. */
  readonly home: string;
  /** `--method` and what belongs to it. */
  readonly ask: readonly string[];
}

/** On a full machine it takes its time to load. */
const PATIENCE_MS = scaleDeadline(100_000);

/** Runs the Inspector's command line once; what it prints, or what it complains of. */
export async function inspect({ url, transport, era, token, home, ask }: InspectorOrder): Promise<JsonObject> {
  const target = ['--server-url', url, '--transport', transport, '--protocol-era', era];
  const header = token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`];
  const args = [PROGRAM, '--cli', ...target, ...header, '--stored-auth-only', '--format', 'json', ...ask];
  const env = { PATH: process.env['PATH'], HOME: home };
  const output = await run(process.execPath, args, { env, timeout: PATIENCE_MS }).then(
    ({ stdout }) => stdout,
    (failed: { stderr: string }) => failed.stderr,
  );
  const printed: unknown = JSON.parse(output.trim().split('\n').at(-1) ?? '');
  if (!isJsonObject(printed)) throw new Error(`The Inspector printed ${output}`);
  return printed;
}
