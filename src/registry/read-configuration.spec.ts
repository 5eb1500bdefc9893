import { describe, expect, it } from '@jest/globals';
import { readConfiguration } from './read-configuration.js';

const read = (text: string, variables = {}) => {
  const result = readConfiguration(text, variables);
  if ('faults' in result) throw new Error(JSON.stringify(result.faults, null, 1));
  return result.value;
};

const faultsOf = (text: string, variables = {}) => {
  const result = readConfiguration(text, variables);
  return 'faults' in result ? result.faults.map(({ path, message }) => `${path}: ${message}`) : [];
};

const WEATHER = 'servers: { weather: { transport: http, url: https://weather.example.com/mcp } }';

describe('readConfiguration', () => {
  it('reads servers of every transport in the order of the file', () => {
    const { servers } = read(
      `
servers:
  everything: { transport: stdio, command: npx, args: [-y, --port, 80], env: { KEY: "\${KEY}", DEBUG: true }, shared: true }
  weather: { transport: http, url: https://w.example.com/mcp, headers: { Authorization: "Bearer \${TOKEN}" }, timeouts: { connect: 5s, request: 1m } }
  old: { transport: sse, url: http://127.0.0.1:9/sse, enabled: false, public: true, title: Old }
`,
      { KEY: 'k', TOKEN: 't' },
    );
    const defaults = { enabled: true, allowUnknownMethods: false, tasks: false, public: false };
    expect(servers).toEqual([
      {
        ...defaults,
        slug: 'everything',
        isolation: 'none',
        transport: 'stdio',
        command: 'npx',
        args: ['-y', '--port', '80'],
        env: { KEY: 'k', DEBUG: 'true' },
        timeouts: { connectMs: 60_000, requestMs: 300_000 },
      },
      {
        ...defaults,
        slug: 'weather',
        transport: 'http',
        url: 'https://w.example.com/mcp',
        headers: { Authorization: 'Bearer t' },
        timeouts: { connectMs: 5_000, requestMs: 60_000 },
      },
      {
        ...defaults,
        slug: 'old',
        title: 'Old',
        enabled: false,
        public: true,
        transport: 'sse',
        url: 'http://127.0.0.1:9/sse',
        headers: {},
        timeouts: { connectMs: 10_000, requestMs: 300_000 },
      },
    ]);
  });

  it('reads the tools of a REST server in the order of the file', () => {
    const { servers } = read(
      `
servers:
  billing:
    transport: rest
    url: https://b.example.com/api?v=1
    headers: { Authorization: "Bearer \${TOKEN}" }
    timeouts: { request: 30s }
    tools:
      pay.bill: { title: Pay, description: Pays., method: POST, path: "/bills/{id}/pay", inputSchema: { type: object, required: [id] } }
      all_bills: { path: / }
`,
      { TOKEN: 't' },
    );
    expect(servers).toEqual([
      {
        slug: 'billing',
        enabled: true,
        allowUnknownMethods: false,
        tasks: false,
        public: false,
        transport: 'rest',
        url: 'https://b.example.com/api?v=1',
        headers: { Authorization: 'Bearer t' },
        timeouts: { connectMs: 10_000, requestMs: 30_000 },
        tools: [
          {
            name: 'pay.bill',
            title: 'Pay',
            description: 'Pays.',
            method: 'POST',
            path: '/bills/{id}/pay',
            inputSchema: { type: 'object', required: ['id'] },
          },
          { name: 'all_bills', method: 'GET', path: '/', inputSchema: { type: 'object' } },
        ],
      },
    ]);
  });

  it('reads the maximum duration of a call, which is at least that without progress', () => {
    const entry = (timeouts: string) =>
      read(`servers: { a: { transport: http, url: http://a/, timeouts: ${timeouts} } }`);
    expect(entry('{ request: 30s, maximum: 2h }').servers[0]).toMatchObject({
      timeouts: { requestMs: 30_000, maximumMs: 7_200_000 },
    });
    expect(() => entry('{ maximum: 1m }')).toThrow('must be at least as long as request');
  });

  describe('the isolation of a server', () => {
    const entry = (members: string) =>
      `servers: { weather: { transport: http, url: https://w.example.com/mcp, ${members} } }`;

    it.each(['none', 'principal', 'session'])('is %s where the entry says so', (isolation) => {
      expect(read(entry(`isolation: ${isolation}`)).servers).toMatchObject([{ isolation }]);
    });

    it('is left to the transport and the era of the server where the entry does not say', () => {
      for (const members of ['enabled: true', 'shared: false']) {
        expect(read(entry(members)).servers[0]).not.toHaveProperty('isolation');
      }
    });

    it('is none for an entry in the old form', () => {
      expect(read(entry('shared: true')).servers).toMatchObject([{ isolation: 'none' }]);
      expect(read(entry('shared: true, isolation: none')).servers).toMatchObject([{ isolation: 'none' }]);
      expect(read(entry('shared: false, isolation: session')).servers).toMatchObject([{ isolation: 'session' }]);
    });

    it.each([
      'shared: true, isolation: principal',
      'shared: true, isolation: session',
      'shared: false, isolation: none',
    ])('is a fault where both forms contradict each other: %s', (members) => {
      const [shared] = members.split(',');
      expect(faultsOf(entry(members))).toEqual([
        `servers.weather.isolation: contradicts ${shared}, which is the old form of isolation. Remove shared.`,
      ]);
    });

    it('is a fault where its value is unknown', () => {
      expect(faultsOf(entry('isolation: all'))).toEqual([expect.stringMatching(/^servers\.weather\.isolation: /)]);
    });
  });

  it('passes unknown methods and tasks only where the entry of an MCP server allows them', () => {
    const entry = `servers: { a: { transport: http, url: https://a.example, allowUnknownMethods: true, tasks: true } }`;
    expect(read(entry).servers).toMatchObject([{ allowUnknownMethods: true, tasks: true }]);
    expect(read(WEATHER).servers).toMatchObject([{ allowUnknownMethods: false, tasks: false }]);
    expect(
      faultsOf('servers: { a: { transport: rest, url: https://a.example, tools: { get: { path: / } }, tasks: true } }'),
    ).toEqual(['servers.a.tasks: Unknown key. Did you mean tags?']);
  });

  it('reads virtual servers and the default endpoint', () => {
    const configuration = read(`${WEATHER}
virtualServers:
  office: { title: Office, instructions: Be kind., servers: [weather, weather], tools: ["weather__*", "*_list"], public: true }
default: { instructions: Everything. }
`);
    expect(configuration.virtualServers).toEqual([
      {
        slug: 'office',
        title: 'Office',
        instructions: 'Be kind.',
        servers: ['weather'],
        tools: ['weather__*', '*_list'],
        public: true,
      },
    ]);
    expect(configuration.defaultEndpoint).toEqual({ public: false, instructions: 'Everything.' });
  });

  it.each([
    ['only comments', '# later\n'],
    ['empty sections', 'servers:\nvirtualServers:\ndefault:\n'],
    ['an empty JSON object', '{}'],
  ])('reads a file with %s as an empty configuration', (_name, text) => {
    const empty = { servers: [], virtualServers: [], teams: [], policies: [], limits: [], guardrails: [] };
    expect(read(text)).toEqual({ ...empty, defaultEndpoint: { public: false } });
  });

  it('reads JSON that is indented with tabs', () => {
    expect(
      read('{\n\t"servers": {\n\t\t"a": { "transport": "http", "url": "http://a/" }\n\t}\n}').servers,
    ).toHaveLength(1);
  });

  it('treats an empty value as absent', () => {
    expect(read('servers: { a: { transport: http, url: http://a/, headers: , timeouts: } }').servers[0]).toMatchObject({
      headers: {},
      timeouts: { connectMs: 10_000 },
    });
  });

  it('reports every fault of a file at once, each with its path', () => {
    const faults = faultsOf(`
server: {}
servers:
  Weather: { transport: http, url: http://a/ }
  default: { transport: http, url: http://a/ }
  a--b: { transport: http, url: http://a/ }
  nothing:
  text: hello
  ftp: { transport: htp }
  web: { transport: http, url: "ftp://x/", heders: {}, timeouts: { connect: 5, request: 60s, idle: 1s } }
  child: { transport: stdio, args: npx, env: { "A B": 1 }, enabled: "yes" }
  login: { transport: http, url: "https://user:pass@x/" }
  host: { transport: http, url: "https://x/", headers: { Host: a, X-Line: "a\\nb" } }
virtualServers:
  web: { servers: [wep, child], tools: ["weather__*", "child", "child__x"] }
  empty: {}
default: { public: 1 }
`);
    expect(faults).toEqual([
      'server: Unknown section. Did you mean servers?',
      expect.stringMatching(/^servers\.Weather: A name must start with a letter/),
      'servers.default: This name is reserved for the gateway itself.',
      expect.stringMatching(/^servers\.a--b: A name/),
      'virtualServers.web: A server with this name already exists.',
      'servers.nothing: must be a mapping.',
      'servers.text: must be a mapping.',
      'servers.ftp.transport: must be http, sse, stdio or rest. Did you mean http?',
      'servers.web.heders: Unknown key. Did you mean headers?',
      expect.stringMatching(/^servers\.web\.url: must be an http or https URL/),
      'servers.web.timeouts.idle: Unknown key.',
      expect.stringMatching(/^servers\.web\.timeouts\.connect: must be a duration such as .*, from 100ms to 1h\.$/),
      'servers.child.command: is missing.',
      'servers.child.args: must be a list of strings.',
      'servers.child.env: must map environment variable names to strings.',
      'servers.child.enabled: must be true or false.',
      expect.stringMatching(/^servers\.login\.url: .* without user name/),
      expect.stringMatching(/^servers\.host\.headers: must map header names/),
      expect.stringMatching(/^virtualServers\.web\.servers\[0\]: No server has this name\. Did you mean web\?/),
      expect.stringMatching(/^virtualServers\.web\.tools\[0\]: The pattern must start/),
      expect.stringMatching(/^virtualServers\.web\.tools\[1\]: The pattern must start/),
      'virtualServers.empty.servers: is missing.',
      'default.public: must be true or false.',
    ]);
  });

  it('reports every fault of REST tools at once', () => {
    const faults = faultsOf(`
servers:
  none: { transport: rest, url: https://a/ }
  empty: { transport: rest, url: https://a/, tools: {} }
  list: { transport: rest, tools: [a], command: x }
  bad:
    transport: rest
    url: https://a/
    headers: { Content-Type: text/plain }
    tools:
      "a b": { path: / }
      nothing:
      lower: { method: post, path: /a }
      relative: { path: a }
      query: { path: "/a?b=c" }
      up: { path: /a/../b }
      hidden: { path: /a/%2E%2e/b }
      open: { path: "/a/{b" }
      schema: { path: /a, inputSchema: { type: array } }
      surplus: { path: /a, body: {} }
`);
    const path = (tool: string) => expect.stringMatching(`^servers\\.bad\\.tools\\.${tool}\\.path: must start with /`);
    expect(faults).toEqual([
      'servers.none.tools: is missing.',
      'servers.empty.tools: must map tool names to their requests.',
      expect.stringMatching(/^servers\.list\.command: Unknown key/),
      'servers.list.url: is missing.',
      'servers.list.tools: must map tool names to their requests.',
      expect.stringMatching(/^servers\.bad\.headers: must map header names/),
      expect.stringMatching(/^servers\.bad\.tools\.a b: A tool name may contain/),
      'servers.bad.tools.nothing: must be a mapping.',
      expect.stringMatching(/^servers\.bad\.tools\.lower\.method: must be one of .*POST/),
      path('relative'),
      path('query'),
      path('up'),
      path('hidden'),
      path('open'),
      'servers.bad.tools.schema.inputSchema: must be a JSON schema whose type is object.',
      'servers.bad.tools.surplus.body: A GET request cannot have a body.',
    ]);
  });

  it('rejects a virtual server that has the name of a server', () => {
    const text = `${WEATHER}\nvirtualServers: { weather: { servers: [weather] } }`;
    expect(faultsOf(text)).toEqual(['virtualServers.weather: A server with this name already exists.']);
  });

  it.each([
    ['a: [1, 2', /^line 1, column \d+: Flow sequence/],
    ['a: 1\na: 2', /^line 2, column 1: Map keys must be unique/],
    ['servers: !!js/function x', /^line 1, column \d+: Unresolved tag/],
    ['servers: *unknown', /^: Unresolved alias/],
    ['- a\n- b', /^: The file must be a mapping/],
    ['just text', /^: The file must be a mapping/],
    [' \n', /^: The file is empty/],
  ])('rejects the text %j', (text, fault) => {
    expect(faultsOf(text)).toEqual([expect.stringMatching(fault)]);
  });

  it('rejects nested aliases that multiply', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level += 1) {
      lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
    }
    expect(faultsOf(lines.join('\n'))).toEqual([expect.stringMatching(/alias/)]);
  });

  it('handles names such as __proto__ and constructor as plain names', () => {
    expect(faultsOf('{"servers": {"__proto__": {"transport": "http", "url": "http://a/"}}}')).toHaveLength(1);
    const { servers } = read(
      '{"servers": {"constructor": {"transport": "http", "url": "http://a/", "headers": {"__proto__": "x"}}}}',
    );
    expect(servers.map((server) => server.slug)).toEqual(['constructor']);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });
});

describe('variables in the configuration file', () => {
  const urlWith = (url: string, variables = {}) =>
    read(`servers: { a: { transport: http, url: "${url}" } }`, variables).servers[0];

  it.each([
    ['http://${HOST}/', { HOST: 'h' }, 'http://h/'],
    ['http://${HOST:-fallback}/', {}, 'http://fallback/'],
    ['http://${HOST:-fallback}/', { HOST: '' }, 'http://fallback/'],
    ['http://h/${EMPTY:-}', {}, 'http://h/'],
    ['http://h/${A}${B}', { A: '1', B: '2' }, 'http://h/12'],
    ['http://h/$${A}', {}, 'http://h/${A}'],
    ['http://h/$A', {}, 'http://h/$A'],
    ['http://h/${A}', { A: '${B}' }, 'http://h/${B}'],
  ])('are expanded in %s with the values %j to %s', (url, variables, expected) => {
    expect(urlWith(url, variables)).toMatchObject({ url: expected });
  });

  it('are expanded after parsing, so that a value cannot add keys', () => {
    const server = urlWith('http://h/${X}', { X: '", headers: { A: b }, title: "' });
    expect(server).toMatchObject({ url: 'http://h/", headers: { A: b }, title: "', headers: {} });
  });

  it('are reported with their path when they are missing, without follow-up faults', () => {
    const text = 'servers: { a: { transport: http, url: "${URL}", headers: { Authorization: "Bearer ${TOKEN}" } } }';
    expect(faultsOf(text)).toEqual([
      'servers.a.url: The environment variable URL is not set.',
      'servers.a.headers.Authorization: The environment variable TOKEN is not set.',
    ]);
  });

  it('never reveal their value in a fault', () => {
    const text = 'servers: { a: { transport: http, url: "${URL}" , headers: { X: "${TOKEN}" } } }';
    const faults = faultsOf(text, { URL: 'secret-in-a-url', TOKEN: 'secret\nin a header' }).join('\n');
    expect(faults).toMatch(/servers\.a\.url: must be/);
    expect(faults).toMatch(/servers\.a\.headers: must map/);
    expect(faults).not.toMatch(/secret/);
  });

  it.each(['${', '${A', '${A-B}', '${1A}', '${}'])('are rejected when written as %s', (reference) => {
    expect(faultsOf(`servers: { a: { transport: stdio, command: x, args: ["${reference}"] } }`)).toEqual([
      'servers.a.args[0]: A variable reference must have the form ${NAME}, ${NAME:-default} or ${secret:name}.',
    ]);
  });
});

it.each([
  ['an alias', 'servers: { a: { transport: http, url: http://a/, headers: { Authorization: *very-secret } } }'],
  ['a token', 'servers: { a: { transport: http, url: http://a/, headers: { Authorization: "x" very-secret } } }'],
  ['a tag', 'servers: { a: { transport: http, url: http://a/, headers: { Authorization: !very-secret x } } }'],
])('never quotes the text of the file in a fault of the parser: %s', (_name, text) => {
  const result = readConfiguration(text, {});
  expect('faults' in result).toBe(true);
  expect(JSON.stringify(result)).not.toContain('very-secret');
});
