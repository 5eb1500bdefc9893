import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { convert, convertPackage, convertRemote, documentOf, faultsOf, RULES, STDIO } from './import-fixture.js';

describe('a package becomes a program', () => {
  it.each<[string, JsonObject, string, readonly string[]]>([
    ['npm', { registryType: 'npm', identifier: '@example/weather' }, 'npx', ['-y', '@example/weather@1.2.0']],
    [
      'npm with -y of its own, another registry, and the package named twice',
      {
        registryType: 'npm',
        identifier: 'weather',
        registryBaseUrl: 'https://npm.example.com',
        runtimeHint: 'npx',
        runtimeArguments: [
          { type: 'positional', value: '-y' },
          { type: 'positional', value: 'weather@1.2.0' },
        ],
      },
      'npx',
      ['--registry=https://npm.example.com/', '-y', 'weather@1.2.0'],
    ],
    [
      'pypi',
      {
        registryType: 'pypi',
        identifier: 'weather-mcp',
        registryBaseUrl: 'https://pypi.org',
        runtimeArguments: [{ type: 'named', name: '--python', value: '3.12' }],
        packageArguments: [{ type: 'positional', value: 'serve' }],
      },
      'uvx',
      ['--python=3.12', 'weather-mcp@1.2.0', 'serve'],
    ],
    [
      'nuget',
      {
        registryType: 'nuget',
        identifier: 'Example.Weather',
        version: '0.4.0-beta',
        registryBaseUrl: 'https://api.nuget.org/v3/index.json',
        packageArguments: [
          { type: 'positional', value: 'mcp' },
          { type: 'positional', value: 'start' },
        ],
      },
      'dnx',
      ['Example.Weather@0.4.0-beta', '--yes', '--', 'mcp', 'start'],
    ],
    [
      'oci with a version of its own',
      { registryType: 'oci', identifier: 'ghcr.io/example/weather' },
      'docker',
      ['run', '-i', '--rm', 'ghcr.io/example/weather:1.2.0'],
    ],
    [
      'oci with a tag, options and variables',
      {
        registryType: 'oci',
        identifier: 'docker.io/example/weather:1.2.0',
        runtimeArguments: [
          { type: 'positional', value: 'run' },
          { type: 'named', name: '--rm' },
          { type: 'named', name: '--network', value: 'host' },
          { type: 'named', name: '-e', value: 'UNITS={units}', variables: { units: { default: 'metric' } } },
        ],
        packageArguments: [{ type: 'positional', value: '/data', valueHint: 'folder' }],
        environmentVariables: [
          { name: 'UNITS', value: 'metric' },
          { name: 'LEVEL', default: 'info' },
        ],
      },
      'docker',
      ['run', '-i', '-e', 'LEVEL', '--rm', '--network=host', '-e', 'UNITS=metric'].concat(
        'docker.io/example/weather:1.2.0',
        '/data',
      ),
    ],
    [
      'oci of a registry that a draft before 2025-10 names',
      { registryType: 'oci', identifier: 'example/weather', registryBaseUrl: 'https://quay.io', runtimeHint: 'podman' },
      'podman',
      ['run', '-i', '--rm', 'quay.io/example/weather:1.2.0'],
    ],
  ])('%s', (_name, source, command, args) => {
    expect(convertPackage(source).entry).toMatchObject({ transport: 'stdio', title: 'Weather', command, args });
  });

  it('with its environment, and says which values are asked for', () => {
    const source = {
      registryType: 'npm',
      identifier: 'weather',
      environmentVariables: [
        { name: 'API_KEY', description: 'Key of the API', isRequired: true, isSecret: true, placeholder: 'sk-…' },
        { name: 'UNITS', default: 'metric', choices: ['metric', 'imperial'] },
        { name: 'MODE', value: 'production' },
        { name: 'PROXY' },
      ],
    };
    const { entry, inputs, slug } = convertPackage(source);
    expect(slug).toBe('weather-station');
    expect(entry['env']).toEqual({ UNITS: 'metric', MODE: 'production' });
    expect(inputs).toEqual([
      expect.objectContaining({
        input: 'packages[0].environmentVariables[0]',
        name: 'API_KEY',
        use: 'environment',
        description: 'Key of the API',
        placeholder: 'sk-…',
        isRequired: true,
        isSecret: true,
        isMissing: true,
      }),
      expect.objectContaining({ name: 'UNITS', default: 'metric', choices: ['metric', 'imperial'], isMissing: false }),
      expect.objectContaining({ name: 'PROXY', isRequired: false, isMissing: false }),
    ]);
    const filled = convertPackage(source, {
      'packages[0].environmentVariables[0]': '${secret:weather-key}',
      'packages[0].environmentVariables[1]': '',
    });
    expect(filled.entry['env']).toEqual({ API_KEY: '${secret:weather-key}', MODE: 'production' });
    expect(filled.inputs[0]).toMatchObject({ isMissing: false });
  });

  it('with arguments that are repeated, have variables, or stand for themselves', () => {
    const source = {
      registryType: 'oci',
      identifier: 'example/files:1.2.0',
      runtimeArguments: [
        {
          type: 'named',
          name: '--mount',
          value: 'type=bind,src={from},dst={to}',
          isRequired: true,
          isRepeated: true,
          variables: { from: { format: 'filepath', isRequired: true }, to: { isRequired: true, default: '/project' } },
        },
      ],
      packageArguments: [
        { type: 'named', name: '--read-only', description: 'Refuses changes' },
        { type: 'named', name: '--port', format: 'number' },
        { type: 'positional', valueHint: 'folder', isRequired: true, isRepeated: true },
      ],
    };
    const { entry, inputs } = convertPackage(source);
    expect(entry['args']).toEqual(['run', '-i', '--rm', 'example/files:1.2.0', '--read-only']);
    expect(inputs.map(({ name, isMissing, isRepeated }) => [name, isMissing, isRepeated])).toEqual([
      ['from', true, true],
      ['to', false, true],
      ['--port', false, false],
      ['folder', true, true],
    ]);
    const at = 'packages[0].runtimeArguments[0].variables';
    const filled = convertPackage(source, {
      [`${at}.from`]: ['/a', '/b'],
      [`${at}.to`]: ['/project/a', '/project/b'],
      'packages[0].packageArguments[1]': '8080',
      'packages[0].packageArguments[2]': ['/project/a', '/project/b'],
    });
    expect(filled.entry['args']).toEqual([
      'run',
      '-i',
      '--rm',
      '--mount=type=bind,src=/a,dst=/project/a',
      '--mount=type=bind,src=/b,dst=/project/b',
      'example/files:1.2.0',
      '--read-only',
      '--port=8080',
      '/project/a',
      '/project/b',
    ]);
  });

  it('and says what the entry does not contain', () => {
    const { skipped } = convert(
      documentOf({
        packages: [
          {
            ...STDIO,
            registryType: 'npm',
            identifier: 'weather',
            runtimeHint: 'node',
            fileSha256: 'a'.repeat(64),
            postInstallInstructions: [{ description: 'Restart.' }],
          },
        ],
      }),
      {},
      undefined,
      { ...RULES, mayStartPrograms: false },
    );
    expect(skipped.map(({ member }) => member)).toEqual([
      'packages[0]',
      'packages[0].version',
      'packages[0].runtimeHint',
      'packages[0].fileSha256',
      'packages[0].postInstallInstructions',
    ]);
  });
});

describe('a remote becomes a server at a URL', () => {
  it.each([
    ['streamable-http', 'http'],
    ['sse', 'sse'],
  ])('%s', (type, transport) => {
    const { entry } = convertRemote({ type, url: 'https://mcp.example.com/v1' });
    expect(entry).toEqual({ transport, title: 'Weather', url: 'https://mcp.example.com/v1' });
  });

  it('with headers and the variables of its URL', () => {
    const remote = {
      url: 'https://{tenant}.example.com/{region}/mcp?key={key}&v={undeclared}',
      variables: {
        tenant: { isRequired: true },
        region: { default: 'eu', choices: ['eu', 'us'] },
        key: { isRequired: true, isSecret: true },
      },
      headers: [
        { name: 'Authorization', value: 'Bearer {token}', variables: { token: { isRequired: true, isSecret: true } } },
        { name: 'X-Team', value: '{kept}' },
        { name: 'Mcp-Session-Id', value: 'x' },
      ],
    };
    const { entry, skipped, inputs } = convertRemote(remote);
    expect(entry).toMatchObject({
      url: 'https://{tenant}.example.com/eu/mcp?key={key}&v={undeclared}',
      headers: { 'X-Team': '{kept}' },
    });
    expect(skipped).toEqual([{ member: 'remotes[0].headers[2]', reason: expect.stringContaining('Mcp-Session-Id') }]);
    expect(inputs.filter(({ isMissing }) => isMissing).map(({ input }) => input)).toEqual([
      'remotes[0].variables.tenant',
      'remotes[0].variables.key',
      'remotes[0].variables.undeclared',
      'remotes[0].headers[0].variables.token',
    ]);
    const filled = convertRemote(remote, {
      'remotes[0].variables.tenant': 'acme',
      'remotes[0].variables.region': 'us',
      'remotes[0].variables.key': '${secret:key}',
      'remotes[0].variables.undeclared': 'a&b',
      'remotes[0].headers[0].variables.token': '${secret:token}',
    });
    expect(filled.entry).toMatchObject({
      url: 'https://acme.example.com/us/mcp?key=${secret:key}&v=a%26b',
      headers: { Authorization: 'Bearer ${secret:token}', 'X-Team': '{kept}' },
    });
  });

  it('whose whole base URL is a variable', () => {
    const remote = { url: '{base}/mcp', variables: { base: { isRequired: true } } };
    const filled = convertRemote(remote, { 'remotes[0].variables.base': 'https://mcp.example.com' });
    expect(filled.entry['url']).toBe('https://mcp.example.com/mcp');
    const inner = () => convertRemote(remote, { 'remotes[0].variables.base': 'https://internal' });
    expect(faultsOf(inner)).toEqual(['remotes[0].url with the values of its variables names an inner address']);
  });
});

describe('a document with several packages and remotes', () => {
  const document = documentOf({
    remotes: [{ type: 'sse', url: 'https://internal/sse' }],
    packages: [
      { ...STDIO, registryType: 'mcpb', identifier: 'https://example.com/weather.mcpb' },
      { registryType: 'npm', identifier: 'weather', version: '1.0.0', transport: { type: 'sse', url: 'http://a/{p}' } },
      { ...STDIO, registryType: 'cargo', identifier: 'weather', version: '1.0.0' },
      { registryType: 'pypi', identifier: 'weather', version: '1.0.0' },
    ],
  });

  it('yields the first that can become a server, and lists all with what speaks against them', () => {
    const { choice, choices } = convert(document);
    expect(choice).toBe('packages[3]');
    expect(choices.map((each) => [each.choice, each.label, each.unsupported?.slice(0, 15)])).toEqual([
      ['remotes[0]', 'sse https://internal/sse', undefined],
      ['packages[0]', 'mcpb https://example.com/weather.mcpb', 'An mcpb package'],
      ['packages[1]', 'npm weather 1.0.0', 'The package lis'],
      ['packages[2]', 'cargo weather 1.0.0', 'No program star'],
      ['packages[3]', 'pypi weather@1.0.0 (uvx)', undefined],
    ]);
  });

  it.each([
    ['remotes[0]', /^remotes\[0\]\.url names an inner address$/],
    ['packages[0]', /^packages\[0\] cannot be imported\. An mcpb package is an archive/],
    ['packages[9]', /^choice must be one of remotes\[0\], packages\[0\]/],
  ])('refuses %s', (choice, expected) => {
    expect(faultsOf(() => convert(document, {}, choice))).toEqual([expect.stringMatching(expected)]);
  });

  it('is found in the answer of a registry, and in its text', () => {
    const text = JSON.stringify({ server: document, _meta: {} });
    expect(convert(`\uFEFF${text}`).choice).toBe('server.packages[3]');
  });
});
