import { SAMPLE_PROGRAM } from './sample-server.js';

/** The configuration file that the first start creates. It works on any machine without network access. */
export const SAMPLE_CONFIGURATION = `# The servers behind the gateway. Changes apply at once. An invalid file changes nothing.
# All keys, with examples: docs/configuration.md

servers:
  # A sample server that comes with the gateway. Its tools are called sample__echo, sample__add and sample__current_time.
  sample:
    title: Sample server
    transport: stdio
    command: "${SAMPLE_PROGRAM.command}"
    args: ["${SAMPLE_PROGRAM.args[0]}"]
    # It keeps no state about its callers, so one process serves all of them.
    isolation: none

  # A server over HTTP. \${NAME} is replaced by an environment variable.
  # weather:
  #   transport: http
  #   url: https://weather.example.com/mcp
  #   headers:
  #     Authorization: "Bearer \${WEATHER_TOKEN}"
  #   timeouts: { connect: 5s, request: 60s }

# A selection under one name, served at /servers/office/mcp.
# virtualServers:
#   office:
#     title: Office
#     servers: [sample, weather]
#     tools: ["weather__*", "sample__current_time"]
`;
