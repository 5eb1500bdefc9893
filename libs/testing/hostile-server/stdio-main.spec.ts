import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hostileCommand, stdioRuns } from './index.js';

let folder: string;
let child: ChildProcessWithoutNullStreams;
let lines: Interface;

function launch(era: 'legacy' | 'modern'): void {
  const { command, args, env } = hostileCommand(era, join(folder, 'ledger'));
  child = spawn(command, args, { env });
  lines = createInterface({ input: child.stdout });
}

async function say(method: string, params: object = {}): Promise<string> {
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}\n`);
  const [line] = (await once(lines, 'line')) as [string];
  return line;
}

const call = (name: string): Promise<string> => say('tools/call', { name, arguments: { call: `mark-${name}` } });

beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'hostile-'))));

afterEach(async () => {
  if (child.exitCode === null) {
    child.stdin.end();
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

describe('a hostile server over stdio', () => {
  it('completes the legacy handshake and then writes invalid lines', async () => {
    launch('legacy');
    expect(JSON.parse(await say('initialize'))).toMatchObject({ result: { protocolVersion: '2025-11-25' } });
    expect(JSON.parse(await say('server/discover'))).toMatchObject({ error: { code: -32601 } });
    expect(await call('body-text')).toBe('All is well');
    expect(JSON.parse(await call('foreign-id'))).toMatchObject({ id: 'unknown-request' });
    expect(stdioRuns(join(folder, 'ledger'), 'mark-foreign-id')).toBe(1);
  });

  it('answers discovery and rejects the legacy handshake in the modern era', async () => {
    launch('modern');
    expect(JSON.parse(await say('server/discover'))).toMatchObject({ result: { supportedVersions: ['2026-07-28'] } });
    expect(JSON.parse(await say('initialize'))).toMatchObject({ error: { code: -32022 } });
  });

  it('exits in the middle of a call', async () => {
    launch('legacy');
    child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"channel-closed"}}\n');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
