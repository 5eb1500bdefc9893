import { join } from 'node:path';
import { referenceCommand } from '#lib/testing/reference-server';

interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

const SAMPLE_SERVER = join(process.cwd(), 'dist/src/sample-server/main.js');

/** A legacy server as a shell script has it: it knows three methods, and does one thing at any other request. */
const bareLoop = (atUnknown: string): Command => {
  const reply = (result: string, ...values: string[]): string =>
    `printf '{"jsonrpc":"2.0","id":%s,${result}}\\n' "$id" ${values.join(' ')};;`;
  const script = `
    while IFS= read -r line; do
      id=\${line#*'"id":'}; id=\${id%%[,\\}]*}
      text=\${line#*'"text":"'}; text=\${text%%'"'*}
      case $line in
        *'"method":"initialize"'*) ${reply('"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"loop","version":"1"}}')}
        *'"method":"tools/list"'*) ${reply('"result":{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}')}
        *'"method":"tools/call"'*) ${reply('"result":{"content":[{"type":"text","text":"%s"}]}', '"$text"')}
        *'"id":'*) ${atUnknown === 'refuse' ? reply('"error":{"code":-32601,"message":"Method not found"}') : `${atUnknown};;`}
      esac
    done`;
  return { command: 'sh', args: ['-c', script] };
};

/** Stdio servers with a tool `echo`, by what they are built with. */
const STDIO_SERVERS = {
  'SDK v1': referenceCommand('legacy'),
  'SDK v2, both eras': { command: process.execPath, args: [SAMPLE_SERVER] },
  'SDK v2, modern era only': referenceCommand('modern'),
  'a loop that refuses unknown methods': bareLoop('refuse'),
  'a loop that ignores unknown methods': bareLoop(':'),
  'a loop that ends at unknown methods': bareLoop('exit 3'),
} satisfies Record<string, Command>;

export type StdioServerName = keyof typeof STDIO_SERVERS;

/** The definition of a server that starts after so many seconds, as one does that a package runner downloads first. */
export function slowServer(name: StdioServerName, seconds: number): object {
  const { command, args } = STDIO_SERVERS[name];
  // In the configuration `${` begins a reference to a variable of the environment.
  const literal = args.map((arg) => arg.replaceAll('${', () => '$${'));
  return { transport: 'stdio', command: 'sh', args: ['-c', `sleep ${seconds}; exec "$0" "$@"`, command, ...literal] };
}
