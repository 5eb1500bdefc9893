import { isJsonObject, isToken, JsonFault, parseJson, type JsonObject } from '#lib/mcp-protocol';
import { isVariableName } from '../../registry/index.js';
import { MemberReader } from './member-reader.js';
import type { Argument, Input, NamedInput, Package, Remote, ServerJson, TemplateInput } from './server-json.js';
import { ServerJsonInvalid } from './server-json-invalid.js';

const NOT_EMPTY = /\S/;
const HTTP_OR_VARIABLE = /^(?:https?:\/\/[^\s]+|\{[^{}\s]+\}[^\s]*)$/i;
const ONE_VERSION = /^(?!latest$)\w[\w.+!:-]*$/;

/**
 * Reads what the import uses of a `server.json`, which may be inside the `server` member of an answer of a registry.
 * @throws ServerJsonInvalid with all faults
 */
export function readServerJson(given: JsonObject | string): ServerJson {
  const document = typeof given === 'string' ? parse(given) : given;
  const source = document['name'] === undefined && isJsonObject(document['server']) ? document['server'] : document;
  const faults: string[] = [];
  const reader = new MemberReader(source, source === document ? '' : 'server', faults);
  const title = reader.text('title');
  const read: ServerJson = {
    name: reader.textLike('name', NOT_EMPTY, 'must be the name of the server, such as com.example/weather'),
    ...(title !== undefined && { title }),
    packages: reader.list('packages', readPackage),
    remotes: reader.list('remotes', readRemote),
  };
  if (faults.length > 0) throw new ServerJsonInvalid(faults);
  return read;
}

function parse(text: string): JsonObject {
  try {
    const value = parseJson(text.replace(/^\uFEFF/, ''));
    if (isJsonObject(value)) return value;
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    throw new ServerJsonInvalid([`document cannot be read. ${cause.message}`]);
  }
  throw new ServerJsonInvalid(['document must be a JSON object']);
}

function readPackage(reader: MemberReader): Package {
  const [version, registryBaseUrl, fileSha256, runtimeHint] = [
    reader.text('version') === undefined
      ? undefined
      : reader.textLike('version', ONE_VERSION, 'must be one version, such as 1.0.2: neither a range nor latest'),
    reader.text('registryBaseUrl'),
    reader.text('fileSha256'),
    reader.text('runtimeHint'),
  ];
  return {
    at: reader.at,
    registryType: reader.textLike('registryType', NOT_EMPTY, 'must name a type of packages, such as npm'),
    identifier: reader.textLike('identifier', /^[^\s-]\S*$/, 'must be the name of a package, without spaces'),
    ...(version !== undefined && { version }),
    ...(registryBaseUrl !== undefined && { registryBaseUrl }),
    ...(fileSha256 !== undefined && { fileSha256 }),
    ...(runtimeHint !== undefined && { runtimeHint }),
    // Earlier drafts know no other.
    transport:
      reader.object('transport', (own) => own.textLike('type', NOT_EMPTY, 'must be stdio, streamable-http or sse')) ??
      'stdio',
    hasInstructions: reader.list('postInstallInstructions', ({ at }) => at).length > 0,
    runtimeArguments: reader.list('runtimeArguments', readArgument),
    packageArguments: reader.list('packageArguments', readArgument),
    environmentVariables: reader.list('environmentVariables', (own) =>
      readNamed(own, isVariableName, 'must be the name of an environment variable'),
    ),
  };
}

const readRemote = (reader: MemberReader): Remote => ({
  at: reader.at,
  type: reader.textLike('type', NOT_EMPTY, 'must be streamable-http or sse'),
  url: reader.textLike('url', HTTP_OR_VARIABLE, 'must be an http or https URL, or begin with a variable in braces'),
  headers: reader.list('headers', (own) => readNamed(own, isToken, 'must be the name of a header')),
  variables: reader.map('variables', readInput),
});

function readArgument(reader: MemberReader): Argument {
  const type = reader.textLike('type', /^(?:named|positional)$/, 'must be named or positional');
  const valueHint = reader.text('valueHint');
  const read = {
    ...readTemplate(reader),
    isRepeated: reader.flag('isRepeated'),
    ...(valueHint !== undefined && { valueHint }),
  };
  if (type !== 'named') return read;
  return { ...read, name: reader.textLike('name', /^\S+$/, 'must be the name of an argument, such as --port') };
}

const readNamed = (reader: MemberReader, isName: (text: string) => boolean, must: string): NamedInput => ({
  ...readTemplate(reader),
  name: reader.textThat('name', isName, must),
});

const readTemplate = (reader: MemberReader): TemplateInput => ({
  ...readInput(reader),
  variables: reader.map('variables', readInput),
});

function readInput(reader: MemberReader): Input {
  const names = ['value', 'default', 'description', 'placeholder', 'format'] as const;
  const texts = names.flatMap((name) => {
    const text = reader.text(name);
    return text === undefined ? [] : [[name, text] as const];
  });
  const choices = reader.texts('choices');
  return {
    at: reader.at,
    ...Object.fromEntries(texts),
    ...(choices !== undefined && choices.length > 0 && { choices }),
    isRequired: reader.flag('isRequired'),
    isSecret: reader.flag('isSecret'),
  };
}
