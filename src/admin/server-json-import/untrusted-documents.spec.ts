import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#lib/mcp-protocol';
import { attacksOf, findReferences } from '../untrusted-document-fixture.js';
import { convert, convertPackage, documentOf, faultsOf, STDIO } from './import-fixture.js';
import { ServerJsonInvalid } from './server-json-invalid.js';

describe('a document cannot obtain secrets of the gateway', () => {
  it.each<[string, JsonObject]>([
    ['a fixed value', { name: 'A', value: '${secret:db}' }],
    ['a default', { name: 'A', default: '${secret:db}' }],
    ['a variable', { name: 'A', value: '${sec{x}', variables: { x: { value: 'ret:db}' } } }],
    ['braces around a variable', { name: 'A', value: '${{x}}', variables: { x: { value: 'secret:db' } } }],
  ])('with %s', (_name, input) => {
    const source = { registryType: 'npm', identifier: 'weather', environmentVariables: [input] };
    expect(convertPackage(source).entry['env']).toEqual({ A: '$${secret:db}' });
  });

  it('with a default that the caller sends back, or with text around a value of the caller', () => {
    const at = 'packages[0].environmentVariables[0]';
    const source = (input: JsonObject) => ({
      registryType: 'npm',
      identifier: 'weather',
      environmentVariables: [{ name: 'A', ...input }],
    });
    const back = convertPackage(source({ default: '${secret:db}' }), { [at]: '${secret:db}' });
    expect(back.entry['env']).toEqual({ A: '$${secret:db}' });
    const around = convertPackage(source({ value: '${secret:{x}}', variables: { x: {} } }), {
      [`${at}.variables.x`]: 'db',
    });
    expect(around.entry['env']).toEqual({ A: '$${secret:db}' });
  });
});

const INPUT = { description: 'Text', placeholder: 'x', format: 'string', choices: ['a', 'b'], default: 'a' };
const TEMPLATE = { value: 'x{part}', variables: { part: INPUT } };
const PACKAGE = {
  ...STDIO,
  registryBaseUrl: 'https://packages.example.com/path',
  runtimeHint: 'run',
  runtimeArguments: [
    { type: 'named', name: '--flag' },
    { type: 'named', name: '--port', valueHint: 'port', ...INPUT },
    { type: 'positional', valueHint: 'folder', ...TEMPLATE },
  ],
  packageArguments: [
    { type: 'named', name: '-f' },
    { type: 'named', name: '-o', ...TEMPLATE },
    { type: 'named', name: '--of', ...TEMPLATE },
    { type: 'positional', ...INPUT },
  ],
  environmentVariables: [
    { name: 'A', ...INPUT },
    { name: 'B', ...TEMPLATE },
  ],
};

describe('no text of a document becomes a reference in the entry', () => {
  it.each<[string, JsonObject]>([
    ...['npm', 'pypi', 'nuget', 'oci'].map((registryType): [string, JsonObject] => [
      registryType,
      { packages: [{ ...PACKAGE, registryType, identifier: 'weather', version: '1.0.0' }] },
    ]),
    [
      'remote',
      {
        remotes: [
          {
            type: 'streamable-http',
            url: 'https://{host}.example.com/{path}?key={key}&x=y#z',
            headers: [
              { name: 'X-A', ...INPUT },
              { name: 'X-B', ...TEMPLATE },
            ],
            variables: { host: INPUT, path: INPUT, key: INPUT },
          },
        ],
      },
    ],
  ])('of a source of the type %s', (_type, members) => {
    const entries = attacksOf(documentOf(members)).flatMap((document) => {
      try {
        return [convert(document).entry];
      } catch (cause) {
        if (cause instanceof ServerJsonInvalid) return [];
        throw cause;
      }
    });
    expect(entries.length).toBeGreaterThan(50);
    expect(entries.flatMap(findReferences)).toEqual([]);
  });

  it('and the program receives the text of the document', () => {
    const packageArguments = [{ type: 'named', name: '--at=${secret:db}' }];
    const { entry } = convertPackage({ registryType: 'npm', identifier: 'weather', packageArguments });
    expect(entry['args']).toEqual(['-y', 'weather@1.2.0', '--at=$${secret:db}']);
  });
});

describe('faults name the member', () => {
  it.each<[JsonObject | string, readonly (string | RegExp)[]]>([
    ['{', [/^document cannot be read\. Invalid JSON/]],
    ['[]', ['document must be a JSON object']],
    [{}, [/^name must be the name of the server/]],
    [documentOf({}), [/^document must have packages or remotes/]],
    [documentOf({ packages: {} }), [/^packages must be a list/]],
    [documentOf({ remotes: ['x'] }), ['remotes[0] must be an object']],
    [documentOf({ remotes: [{ type: 'sse', url: 'ftp://a' }] }), [/^remotes\[0\]\.url must be an http or https URL/]],
    [
      documentOf({ packages: [{ ...STDIO, registry_type: 'npm', identifier: 'a' }] }),
      [
        /^packages\[0\]\.registry_type is a name of earlier drafts: write registryType$/,
        /^packages\[0\]\.registryType must/,
      ],
    ],
    [
      documentOf({ packages: [{ ...STDIO, registryType: 'npm', identifier: 'a', version: '^1.0.0' }] }),
      [/^packages\[0\]\.version must be one version/],
    ],
    [
      documentOf({ packages: [{ ...STDIO, registryType: 'npm', identifier: 'https://example.com/a.tgz' }] }),
      ['packages[0].identifier must be the name of a package of npm'],
    ],
    [
      documentOf({ packages: [{ ...STDIO, registryType: 'npm', identifier: '--call=x' }] }),
      [/^packages\[0\]\.identifier must be the name/],
    ],
    [
      documentOf({
        packages: [
          {
            ...STDIO,
            registryType: 'npm',
            identifier: 'a',
            environmentVariables: [{ name: 'A-B' }, { name: 'A', isRequired: 'yes' }],
            packageArguments: [{ type: 'flag' }, { type: 'named', value: 3 }],
          },
        ],
      }),
      [
        'packages[0].packageArguments[0].type must be named or positional',
        'packages[0].packageArguments[1].value must be a string',
        /^packages\[0\]\.packageArguments\[1\]\.name must be/,
        /^packages\[0\]\.environmentVariables\[0\]\.name must be/,
        'packages[0].environmentVariables[1].isRequired must be true or false',
      ],
    ],
  ])('%j', (document, expected) => {
    const patterns = expected.map((each) => (typeof each === 'string' ? each : expect.stringMatching(each)));
    expect(faultsOf(() => convert(document))).toEqual(patterns);
  });

  it.each([
    'http://npm.example.com',
    'https://npm.example.com/?key=${secret:db}',
    'https://npm.example.com/#${secret:db}',
    'https://someone@npm.example.com/',
    'https://:password@npm.example.com/',
    'npm.example.com',
  ])('of a registry at %s', (registryBaseUrl) => {
    const source = { registryType: 'npm', identifier: 'weather', registryBaseUrl };
    expect(faultsOf(() => convertPackage(source))).toEqual([
      'packages[0].registryBaseUrl must be an https URL without user name, password, query and fragment',
    ]);
  });

  it('of a value that an input does not accept', () => {
    const source = {
      registryType: 'npm',
      identifier: 'weather',
      packageArguments: [
        { type: 'named', name: '--units', choices: ['metric'] },
        { type: 'named', name: '--port', format: 'number' },
        { type: 'named', name: '--debug', format: 'boolean' },
      ],
    };
    const at = 'packages[0].packageArguments';
    const values = { [`${at}[0]`]: 'x', [`${at}[1]`]: 'x', [`${at}[2]`]: ['true', 'false'], [`${at}[3]`]: 'x' };
    expect(faultsOf(() => convertPackage(source, values))).toEqual([
      `inputs.${at}[0] must be one of the choices of the document`,
      `inputs.${at}[1] must be a number`,
      `inputs.${at}[2] must be one value`,
      `inputs.${at}[3] is no input of the chosen package or remote`,
    ]);
  });
});
