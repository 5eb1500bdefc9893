/** @runs-alone */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isJsonObject, type JsonObject } from '#lib/mcp-protocol';
import { readCommands, readDocBlocks, readShownCommands } from '../support/doc-blocks.js';
import { connectV1 } from '../support/sdk-v1.js';
import { until } from '../support/until.js';

// Starts two workers and a dozen programs, which takes most of its time. Commands in pages become wrong unless a test runs them.

const run = promisify(execFile);

/** All other pages use the gateway that the commands of docs/debugging.md have started, and the token that they issued. */
let debugging: { readonly output: string; readonly pid: number };
let folder: string;
let port: number;
let token: string;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: found } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return found;
}

/** The commands of the page, with a port and a log file of this test. */
const adapt = (text: string): string =>
  text.replaceAll(':4444', `:${port}`).replaceAll('isthmus.log', join(folder, 'isthmus.log'));

const environment = () => ({
  PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
  HOME: folder,
  ISTHMUS_DATA_DIR: join(folder, 'data'),
  ISTHMUS_PORT: String(port),
  ...(token !== undefined && { TOKEN: token }),
});

/** Runs a script like an interactive shell. It ends at the first command that fails. */
async function runScript(script: string): Promise<{ readonly output: string; readonly pid: number }> {
  const args = ['-euo', 'pipefail', '-c', adapt(script)];
  const child = spawn('bash', args, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`A command failed with ${code}:\n${output}`);
  return { output, pid: child.pid ?? 0 };
}

const readLog = (): Promise<string> => readFile(join(folder, 'isthmus.log'), 'utf8');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-docs-'));
  port = await freePort();
  debugging = await runScript(`${readCommands('docs/debugging.md')}\necho; echo "TOKEN=$TOKEN"\n`);
  token = /^TOKEN=(\S+)$/m.exec(debugging.output)?.[1] ?? '';
});

afterAll(async () => {
  if (debugging !== undefined) {
    // The process group of the script: npm and the gateway, which the script left in the background.
    process.kill(-debugging.pid, 'SIGTERM');
    await until(() => !isAlive(-debugging.pid));
  }
  await rm(folder, { recursive: true, force: true });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('docs/debugging.md', () => {
  it('follows one request id through the logs of two workers, as the page shows', () => {
    const lines = debugging.output.split('\n').filter((line) => /\[(WorkerBus|Calls)\]/.test(line));
    const [, id = ''] = /as request (\S+)\.$/.exec(lines[0] ?? '') ?? [];
    expect(lines).toEqual([
      expect.stringMatching(/ DEBUG \[WorkerBus\] Sent session\.call to worker \S+ as request \S+\.$/),
      expect.stringMatching(/ DEBUG \[WorkerBus\] Running session\.call for worker \S+: request \S+\.$/),
      expect.stringMatching(/ DEBUG \[WorkerBus\] Request \S+ ended: value\.$/),
      expect.stringMatching(
        / WARN \[Calls\] prompts\/get "x" of broken at default for \S+: not executed, error -31004 in /,
      ),
    ]);
    expect(lines.every((line) => line.includes(id))).toBe(true);
    const [ingress, owner] = lines.map((line) => /^\[Nest\] (\d+)/.exec(line)?.[1]);
    expect(owner).not.toBe(ingress);
  });

  it('shows errors whose request ids are in the log', async () => {
    const ids = [...debugging.output.matchAll(/"requestId":"([^"]+)"/g)].map((match) => match[1] ?? '');
    // A worker applies a new server within a second. A shell is faster than a reader: some requests may be too early.
    expect(ids.length).toBeGreaterThanOrEqual(2);
    const log = await readLog();
    for (const id of ids) expect(log).toContain(`(${id})`);
  });
});

/** A client configuration that a page shows, with the placeholders of the client replaced. */
interface Snippet {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const PLACEHOLDER = /\$\{(TOKEN|env:TOKEN|input:isthmus-token)\}|<token>/g;

function readSnippet(text: string): Snippet {
  const configuration: unknown = JSON.parse(adapt(text).replaceAll(PLACEHOLDER, token));
  if (!isJsonObject(configuration)) throw new Error(`No configuration: ${text}`);
  const servers = (configuration['mcpServers'] ?? configuration['servers']) as Record<string, JsonObject>;
  const { url, headers, args, env } = servers['isthmus'] ?? {};
  if (typeof url === 'string') return { url, headers: headers as Snippet['headers'] };
  return readBridge(args as string[], env as Record<string, string>);
}

/** The arguments of the bridge `mcp-remote` as it interprets them: a URL, and headers with variables of its environment. */
function readBridge(args: readonly string[], env: Readonly<Record<string, string>>): Snippet {
  const [, bridge, url = '', flag, header = ''] = args;
  expect([bridge?.startsWith('mcp-remote@'), flag]).toEqual([true, '--header']);
  const [name = '', value = ''] = header.split(':');
  return { url, headers: { [name]: value.replace(/\$\{(\w+)\}/, (_, variable: string) => env[variable] ?? '') } };
}

/** Lists the tools with the URL and the header that a client would use. */
async function listTools({ url, headers }: Snippet): Promise<unknown[]> {
  const [scheme, credential] = headers['Authorization']?.split(' ') ?? [];
  expect(scheme).toBe('Bearer');
  const client = await connectV1('mcp', { url, ...(credential !== undefined && { token: credential }) });
  const tools = await client.list('tools');
  await client.close();
  return tools.map(({ name }) => name);
}

// Claude Code, Claude Desktop, VS Code and Cursor cannot be installed here. Their snippets are parsed, and the official
// client connects with the URL and the header in them; no test proves that the clients themselves interpret them so.
describe('docs/clients.md', () => {
  const PAGE = 'docs/clients.md';
  const of = (language: string) => readDocBlocks(PAGE).filter((block) => block.language === language);

  it('shows a configuration for each client that reads one', () => {
    const headings = of('json').map(({ heading }) => heading);
    expect(headings).toEqual(['Claude Code', 'Claude Desktop', 'VS Code', 'Cursor']);
  });

  it.each(of('json'))('shows a configuration for $heading whose URL and header work', async ({ text }) => {
    expect(await listTools(readSnippet(text))).toContain('sample__echo');
  });

  it('shows an input of VS Code for each value that the snippet requires', () => {
    const { text = '' } = of('json').find(({ heading }) => heading === 'VS Code') ?? {};
    const { inputs } = JSON.parse(text) as { inputs: { id: string; type: string }[] };
    const required = [...text.matchAll(/\$\{input:([^}]+)\}/g)].map((match) => match[1]);
    expect(inputs).toEqual([expect.objectContaining({ type: 'promptString', id: required[0], password: true })]);
  });

  it('shows a command for Claude Code whose URL and header work', async () => {
    const command = readShownCommands(PAGE).find((line) => line.startsWith('claude ')) ?? '';
    const [, url = '', header = ''] =
      /^claude mcp add --transport http isthmus (\S+) --header "(.*)"$/.exec(adapt(command)) ?? [];
    const [name = '', value = ''] = header.replace('$TOKEN', token).split(': ');
    expect(await listTools({ url, headers: { [name]: value } })).toContain('sample__echo');
  });

  it('shows commands that issue a token and call a tool with the Inspector', async () => {
    const { output } = await runScript(readCommands(PAGE));
    expect(output).toContain('sample__echo');
    expect(output).toMatch(/"text": ?"Hello"/);
  });

  it.each(of('js'))('shows a program that calls a tool with the $heading', async ({ text }) => {
    const args = ['--input-type=module', '--eval', adapt(text)];
    const { stdout } = await run(process.execPath, args, { env: environment(), cwd: process.cwd() });
    expect(stdout).toContain("text: 'Hello'");
  });
});

describe('CONTRIBUTING.md', () => {
  it('shows commands that run one test and write the manual of the settings', async () => {
    // Without this, the inner run would replace the results of the run that this test belongs to.
    const script = readCommands('CONTRIBUTING.md').replace(/^npx jest .*$/m, '$& --reporters=default');
    const { output } = await runScript(script);
    expect(output).toMatch(/^Tests: .*\d+ passed/m);
  });

  it('shows no other command than those that check every change', async () => {
    const checked = await readFile(join(process.cwd(), '.ci/run'), 'utf8');
    const { scripts } = await readPackage();
    // `npm test` installs the services before it runs the tests.
    const covered = [checked, scripts['pretest']].join('\n');
    expect(readShownCommands('CONTRIBUTING.md').filter((command) => !covered.includes(command))).toEqual([]);
  });
});

describe('README.md', () => {
  const commands = readCommands('README.md').trim().split('\n');

  it('shows a command that issues a token for another person', async () => {
    const { output } = await runScript(commands.find((line) => line.startsWith('npm run token')) ?? 'false');
    expect(output).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/m);
  });

  it('shows no other command than those that a test or .ci/run runs', () => {
    expect(commands).toEqual([
      // first-call.e2e.ts
      'npm ci && npm start',
      // .ci/run; `npm test` installs the services as well.
      'npm ci && node scripts/install-test-services.mjs && npm test',
      expect.stringMatching(/^npm run token -- /),
      // With two workers: docs/debugging.md
      'npm start -- --workers 4',
    ]);
  });
});

it('every npm script that a page names exists', async () => {
  const { scripts } = await readPackage();
  const pages = ['README.md', 'CONTRIBUTING.md', 'docs/clients.md', 'docs/debugging.md', 'docs/testing.md'];
  const texts = await Promise.all(pages.map((page) => readFile(join(process.cwd(), page), 'utf8')));
  const named = texts.flatMap((text) => [...text.matchAll(/npm run (?:-s )?([\w:]+)/g)].map((match) => match[1] ?? ''));
  expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
});

async function readPackage(): Promise<{ readonly scripts: Readonly<Record<string, string>> }> {
  const text = await readFile(join(process.cwd(), 'package.json'), 'utf8');
  return JSON.parse(text) as { readonly scripts: Record<string, string> };
}
