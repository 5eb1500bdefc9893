import { schemaOf, textResult, type Tool } from './feature.js';

/** Tools that return the parts of the request other than the arguments. */
export const requestTools: Tool[] = [
  {
    definition: { name: 'echo_meta', description: 'Returns the _meta of the request', inputSchema: schemaOf() },
    run: (_args, { meta }) => ({ ...textResult(JSON.stringify(meta)), structuredContent: meta }),
  },
  {
    definition: {
      name: 'echo_headers',
      description: 'Returns the HTTP headers of the request',
      inputSchema: schemaOf(),
    },
    run: (_args, { headers }) => ({ ...textResult(JSON.stringify(headers)), structuredContent: headers }),
  },
  {
    definition: {
      name: 'echo_capabilities',
      description: 'Returns the capabilities that the client declared',
      inputSchema: schemaOf(),
    },
    run: (_args, { clientCapabilities }) => ({
      ...textResult(JSON.stringify(clientCapabilities)),
      structuredContent: clientCapabilities,
    }),
  },
  {
    definition: {
      name: 'header_params',
      description: 'Takes arguments that modern clients repeat in Mcp-Param headers',
      inputSchema: {
        type: 'object',
        properties: {
          region: { type: 'string', 'x-mcp-header': 'Region' },
          limit: { type: 'integer', 'x-mcp-header': 'Limit' },
          note: { type: 'string' },
        },
        required: ['region'],
      },
    },
    run: (args) => textResult(JSON.stringify(args)),
  },
];
