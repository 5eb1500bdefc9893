/** Many modern servers in one process. The path sets the number of tools: `/<server>/<tools>/mcp`. */
import { createServer, type ServerResponse } from 'node:http';
import { announcePort } from './announce.js';
import { REVISION } from './workload.js';

interface Message {
  readonly id?: string | number;
  readonly method?: string;
}

/** Private, so that the first list of each caller is a cache miss. */
const FRESH = { ttlMs: 3_600_000, cacheScope: 'private' };
const METHOD_NOT_FOUND = JSON.stringify({ code: -32_601, message: 'Method not found' });
const DISCOVERY = JSON.stringify({
  resultType: 'complete',
  supportedVersions: [REVISION.modern],
  capabilities: { tools: {} },
  serverInfo: { name: 'bench-catalog', version: '1.0.0' },
  ...FRESH,
});

const lists = new Map<string, string>();

/** Serialized once: the measurement is about the reader. */
function listOf(path: string): string {
  const [, server = '', count = '0'] = path.split('/');
  const list = lists.get(path) ?? JSON.stringify(toolsOf(server, Number(count)));
  lists.set(path, list);
  return list;
}

function toolsOf(server: string, count: number): object {
  const tools = Array.from({ length: count }, (_, index) => ({
    name: `tool_${index}`,
    title: `Tool ${index} of server ${server}`,
    description: `Looks up entry ${index} in the books of server ${server}, by its number or by a part of its name.`,
    inputSchema: {
      type: 'object',
      properties: {
        number: { type: 'integer', description: 'Number of the entry' },
        name: { type: 'string', description: 'A part of its name' },
        limit: { type: 'integer', minimum: 1, maximum: 100 },
      },
    },
  }));
  return { resultType: 'complete', tools, ...FRESH };
}

function answer(path: string, { id, method }: Message, response: ServerResponse): void {
  const result = method === 'server/discover' ? DISCOVERY : method === 'tools/list' ? listOf(path) : undefined;
  const member = result === undefined ? `"error":${METHOD_NOT_FOUND}` : `"result":${result}`;
  response.writeHead(result === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(`{"jsonrpc":"2.0","id":${JSON.stringify(id ?? null)},${member}}`);
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    if (request.method === 'POST') answer(request.url ?? '', JSON.parse(body) as Message, response);
    else response.writeHead(405).end();
  });
});
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => announcePort(server));
