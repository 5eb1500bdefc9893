import { describe, expect, it } from '@jest/globals';
import { readConfiguration } from './read-configuration.js';

const read = (text: string, variables = {}) => {
  const reading = readConfiguration(text, variables);
  if ('faults' in reading) throw new Error(JSON.stringify(reading.faults, null, 1));
  return reading.value;
};

const faultsOf = (text: string, variables = {}) => {
  const reading = readConfiguration(text, variables);
  return 'faults' in reading ? reading.faults.map(({ path, message }) => `${path}: ${message}`) : [];
};

const WEATHER = 'servers: { weather: { transport: http, url: https://weather.example.com/mcp } }';

describe('the configuration file', () => {
  it('declares servers of every transport in the order of the file', () => {
    const { servers } = read(
      `
servers:
  everything: { transport: stdio, command: npx, args: [-y, --port, 80], env: { KEY: "\${KEY}", DEBUG: true }, shared: true }
  weather: { transport: http, url: https://w.example.com/mcp, headers: { Authorization: "Bearer \${TOKEN}" }, timeouts: { connect: 5s, request: 1m } }
  old: { transport: sse, url: http://127.0.0.1:9/sse, enabled: false, public: true, title: Old }
`,
      { KEY: 'k', TOKEN: 't' },
    );
    const usual = { enabled: true, shared: false, public: false };
    expect(servers).toEqual([
      {
        ...usual,
        slug: 'everything',
        shared: true,
        transport: 'stdio',
        command: 'npx',
        args: ['-y', '--port', '80'],
        env: { KEY: 'k', DEBUG: 'true' },
        timeouts: { connectMs: 60_000, requestMs: 300_000 },
      },
      {
        ...usual,
        slug: 'weather',
        transport: 'http',
        url: 'https://w.example.com/mcp',
        headers: { Authorization: 'Bearer t' },
        timeouts: { connectMs: 5_000, requestMs: 60_000 },
      },
      {
        ...usual,
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

  it('declares tools of plain HTTP endpoints, in the order of the file', () => {
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
        shared: false,
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

  it('declares virtual servers and the default endpoint', () => {
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
    ['nothing but remarks', '# later\n'],
    ['empty sections', 'servers:\nvirtualServers:\ndefault:\n'],
    ['an empty JSON object', '{}'],
  ])('may be %s', (_name, text) => {
    const nothing = { servers: [], virtualServers: [], teams: [], policies: [], limits: [] };
    expect(read(text)).toEqual({ ...nothing, defaultEndpoint: { public: false } });
  });

  it('may be JSON, indented with tabs', () => {
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

  it('names every fault at once, each with its place', () => {
    const faults = faultsOf(`
server: {}
servers:
  Weather: { transport: http, url: http://a/ }
  default: { transport: http, url: http://a/ }
  a--b: { transport: http, url: http://a/ }
  nothing:
  text: hello
  ftp: { transport: ftp }
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
      'server: There is no such section. Did you mean servers?',
      expect.stringMatching(/^servers\.Weather: A name starts with a letter/),
      'servers.default: This name is taken by the gateway itself.',
      expect.stringMatching(/^servers\.a--b: A name/),
      'virtualServers.web: There is a server of this name already.',
      'servers.nothing: must be a mapping.',
      'servers.text: must be a mapping.',
      'servers.ftp.transport: must be http, sse, stdio or rest.',
      'servers.web.heders: There is no such key. Did you mean headers?',
      expect.stringMatching(/^servers\.web\.url: must be an http or https URL/),
      'servers.web.timeouts.idle: There is no such key.',
      expect.stringMatching(/^servers\.web\.timeouts\.connect: must be a duration such as .*, from 100ms to 1h\.$/),
      'servers.child.command: is missing.',
      'servers.child.args: must be a list of texts.',
      'servers.child.env: must map names of environment variables to texts.',
      'servers.child.enabled: must be a boolean value.',
      expect.stringMatching(/^servers\.login\.url: .* without user name/),
      expect.stringMatching(/^servers\.host\.headers: must map header names/),
      expect.stringMatching(/^virtualServers\.web\.servers\[0\]: There is no server of this name\. Did you mean web\?/),
      expect.stringMatching(/^virtualServers\.web\.tools\[0\]: It must start/),
      expect.stringMatching(/^virtualServers\.web\.tools\[1\]: It must start/),
      'virtualServers.empty.servers: is missing.',
      'default.public: must be a boolean value.',
    ]);
  });

  it('names every fault of REST tools at once', () => {
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
      'servers.empty.tools: must map names of tools to their requests.',
      expect.stringMatching(/^servers\.list\.command: There is no such key/),
      'servers.list.url: is missing.',
      'servers.list.tools: must map names of tools to their requests.',
      expect.stringMatching(/^servers\.bad\.headers: must map header names/),
      expect.stringMatching(/^servers\.bad\.tools\.a b: A name of a tool holds/),
      'servers.bad.tools.nothing: must be a mapping.',
      expect.stringMatching(/^servers\.bad\.tools\.lower\.method: must be one of .*POST/),
      path('relative'),
      path('query'),
      path('up'),
      path('hidden'),
      path('open'),
      'servers.bad.tools.schema.inputSchema: must be a JSON schema whose type is object.',
      'servers.bad.tools.surplus.body: A request of GET carries no body.',
    ]);
  });

  it('takes a name for one endpoint only', () => {
    const text = `${WEATHER}\nvirtualServers: { weather: { servers: [weather] } }`;
    expect(faultsOf(text)).toEqual(['virtualServers.weather: There is a server of this name already.']);
  });

  it.each([
    ['a: [1, 2', /^line 1, column \d+: Flow sequence/],
    ['a: 1\na: 2', /^line 2, column 1: Map keys must be unique/],
    ['servers: !!js/function x', /^line 1, column \d+: Unresolved tag/],
    ['servers: *unknown', /^: Unresolved alias/],
    ['- a\n- b', /^: It must be a mapping/],
    ['just text', /^: It must be a mapping/],
    [' \n', /^: It is empty/],
  ])('refuses %j', (text, fault) => {
    expect(faultsOf(text)).toEqual([expect.stringMatching(fault)]);
  });

  it('refuses aliases that multiply', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level += 1) {
      lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(', ')}]`);
    }
    expect(faultsOf(lines.join('\n'))).toEqual([expect.stringMatching(/alias/)]);
  });

  it('is not harmed by names that mean something to JavaScript', () => {
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
  ])('%s', (url, variables, expected) => {
    expect(urlWith(url, variables)).toMatchObject({ url: expected });
  });

  it('are replaced after parsing, so that a value cannot add keys', () => {
    const server = urlWith('http://h/${X}', { X: '", headers: { A: b }, title: "' });
    expect(server).toMatchObject({ url: 'http://h/", headers: { A: b }, title: "', headers: {} });
  });

  it('are named with their place when they are missing, and nothing else is', () => {
    const text = 'servers: { a: { transport: http, url: "${URL}", headers: { Authorization: "Bearer ${TOKEN}" } } }';
    expect(faultsOf(text)).toEqual([
      'servers.a.url: The environment variable URL is not set.',
      'servers.a.headers.Authorization: The environment variable TOKEN is not set.',
    ]);
  });

  it('never appear with their value in a fault', () => {
    const text = 'servers: { a: { transport: http, url: "${URL}" , headers: { X: "${TOKEN}" } } }';
    const faults = faultsOf(text, { URL: 'secret-in-a-url', TOKEN: 'secret\nin a header' }).join('\n');
    expect(faults).toMatch(/servers\.a\.url: must be/);
    expect(faults).toMatch(/servers\.a\.headers: must map/);
    expect(faults).not.toMatch(/secret/);
  });

  it.each(['${', '${A', '${A-B}', '${1A}', '${}'])('%s is no reference', (reference) => {
    expect(faultsOf(`servers: { a: { transport: stdio, command: x, args: ["${reference}"] } }`)).toEqual([
      'servers.a.args[0]: A reference to a variable looks like ${NAME} or ${NAME:-default}.',
    ]);
  });
});
