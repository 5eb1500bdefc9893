/**
 * A small MCP server that is part of the gateway, so that a first call works on any machine. The gateway starts it as a
 * child process like any other server. It supports both eras and is built like a typical server of a user.
 */
import { fromJsonSchema, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const ABOUT = 'sample://about';
const READ_ONLY_ANNOTATIONS = { readOnlyHint: true, idempotentHint: true, openWorldHint: false };

const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });

function createSampleServer(): McpServer {
  const server = new McpServer(
    { name: 'isthmus-sample', title: 'Isthmus sample server', version: '1.0.0' },
    { instructions: 'A sample server: it repeats texts, adds numbers and returns the current time.' },
  );
  registerTools(server);
  server.registerResource('about', ABOUT, { title: 'About this server', mimeType: 'text/plain' }, ({ href }) => ({
    contents: [
      {
        uri: href,
        mimeType: 'text/plain',
        text: 'This sample server is part of the gateway. Replace it with your own servers.',
      },
    ],
  }));
  server.registerPrompt(
    'greet',
    {
      title: 'Greet someone',
      argsSchema: fromJsonSchema<{ name: string }>({
        type: 'object',
        properties: { name: { type: 'string', description: 'Name of the person to greet' } },
        required: ['name'],
      }),
    },
    ({ name }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Please greet ${name} warmly, in one sentence.` } }],
    }),
  );
  return server;
}

function registerTools(server: McpServer): void {
  server.registerTool(
    'echo',
    {
      title: 'Echo',
      description: 'Repeats a text.',
      inputSchema: fromJsonSchema<{ text: string }>({
        type: 'object',
        properties: { text: { type: 'string', description: 'Text to repeat' } },
        required: ['text'],
      }),
      annotations: READ_ONLY_ANNOTATIONS,
    },
    (args) => text(args.text),
  );
  server.registerTool(
    'add',
    {
      title: 'Add',
      description: 'Adds two numbers.',
      inputSchema: fromJsonSchema<{ a: number; b: number }>({
        type: 'object',
        properties: { a: { type: 'number' }, b: { type: 'number' } },
        required: ['a', 'b'],
      }),
      annotations: READ_ONLY_ANNOTATIONS,
    },
    ({ a, b }) => text(String(a + b)),
  );
  server.registerTool(
    'current_time',
    {
      title: 'Current time',
      description: "Returns this machine's time in UTC.",
      annotations: READ_ONLY_ANNOTATIONS,
    },
    () => text(new Date().toISOString()),
  );
}

serveStdio(createSampleServer);
