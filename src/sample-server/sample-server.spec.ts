import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

let client: Client;

afterEach(() => client.close());

/** Node runs the sources without a build by stripping their types. */
async function connect(mode: 'legacy' | 'auto') {
  client = new Client({ name: 'spec', version: '1.0.0' }, { versionNegotiation: { mode } });
  const args = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts')];
  await client.connect(new StdioClientTransport({ command: process.execPath, args }));
  return client;
}

describe.each(['legacy', 'auto'] as const)('the sample server with a client in %s mode', (mode) => {
  it('repeats a text, adds numbers and returns the time', async () => {
    const { tools } = await (await connect(mode)).listTools();
    expect(tools.map(({ name }) => name)).toEqual(['echo', 'add', 'current_time']);
    const call = async (name: string, args: Record<string, unknown>) =>
      (await client.callTool({ name, arguments: args })).content;
    expect(await call('echo', { text: 'hello' })).toEqual([{ type: 'text', text: 'hello' }]);
    expect(await call('add', { a: 1.5, b: 2 })).toEqual([{ type: 'text', text: '3.5' }]);
    expect(await call('current_time', {})).toEqual([{ type: 'text', text: expect.stringMatching(/^\d{4}-.*Z$/) }]);
  });

  it('offers a resource and a prompt', async () => {
    await connect(mode);
    const { resources } = await client.listResources();
    const { contents } = await client.readResource({ uri: resources[0]?.uri ?? '' });
    expect(contents).toEqual([expect.objectContaining({ mimeType: 'text/plain' })]);
    const { messages } = await client.getPrompt({ name: 'greet', arguments: { name: 'Ada' } });
    expect(JSON.stringify(messages)).toContain('Ada');
  });
});
