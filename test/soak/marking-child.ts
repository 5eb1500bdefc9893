/**
 * A stdio server that appends the mark of each call to a file before it answers. A file, because the server is a child
 * of a worker and may be killed with it.
 */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly protocolVersion?: string; readonly arguments?: { call?: string; text?: string } };
}

const [, , file = ''] = process.argv;
const TOOLS = [{ name: 'echo', inputSchema: { type: 'object', properties: { text: { type: 'string' } } } }];

function resultOf({ method, params }: Message): object | undefined {
  switch (method) {
    case 'initialize': {
      const serverInfo = { name: 'marking-child', version: '1.0.0' };
      return { protocolVersion: params?.protocolVersion ?? '2025-11-25', capabilities: { tools: {} }, serverInfo };
    }
    case 'tools/list':
      return { tools: TOOLS };
    case 'tools/call':
      appendFileSync(file, `${params?.arguments?.call ?? ''}\n`);
      return { content: [{ type: 'text', text: params?.arguments?.text ?? '' }] };
    case 'ping':
      return {};
    default:
      return undefined;
  }
}

createInterface(process.stdin).on('line', (line) => {
  const message = JSON.parse(line) as Message;
  if (message.id === undefined) return;
  const result = resultOf(message);
  const body = result ? { result } : { error: { code: -32_601, message: 'Method not found' } };
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...body })}\n`);
});
