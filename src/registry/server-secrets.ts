import { secretValuesOf } from '#lib/extension-kit';
import type { GuardrailDefinition } from './guardrail-definition.js';
import type { ContributedServer, RemoteServer, RestServer, ServerDefinition } from './server-definition.js';

/** Shorter values of variables and headers are no secrets, and may occur anywhere. */
const MIN_VALUE_LENGTH = 6;
/** The same for values that are named like a secret. */
const MIN_NAMED_LENGTH = 4;
/** Shorter arguments that are not named are no secrets. */
const MIN_RANDOM_LENGTH = 20;

/** Replaces a secret in a text. */
const HIDDEN = '[hidden]';

const SECRET_NAME = /token|key|secret|passw?|pwd|auth|credential|cookie|bearer|signature|dsn/i;
/** `--token=…`, `TOKEN=…`, `Authorization: …`. */
const NAMED_ARGUMENT = /^-{0,2}([\w.-]+)(?:=|:\s*)(.+)$/s;
const OPTION = /^--?[\w.-]+$/;
const SCHEME = /^(?:basic|bearer|digest|token|apikey)\s+/i;
/** Letters and digits without the signs of a path, of a package or of a file name. */
const RANDOM = /^(?=.*\d)(?=.*[a-z])[\w+=~-]+$/i;

type EntryClass = new (...args: never[]) => object;

const known = new WeakMap<ServerDefinition, readonly string[]>();

/**
 * The text without the credentials of a server's entry: values of its variables and headers, user information and query of its
 * URL, and arguments that are named like a secret or look random. For texts of the server and of the operating system, which may
 * repeat them.
 */
export function hideServerSecrets(server: ServerDefinition, text: string): string {
  let secrets = known.get(server);
  if (!secrets) known.set(server, (secrets = findSecrets(server)));
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, HIDDEN), text);
}

/** The longest first: one may contain another. */
function findSecrets(server: ServerDefinition): readonly string[] {
  const former = server.formerCredentials?.flatMap(([name, value]) => secretsOfValue(name, value)) ?? [];
  return toDistinctForms([...secretsOfServer(server), ...former]);
}

function toDistinctForms(secrets: readonly string[]): readonly string[] {
  const texts = secrets.flatMap(toWrittenForms).filter((text) => text.length >= MIN_NAMED_LENGTH);
  return [...new Set(texts)].toSorted((a, b) => b.length - a.length);
}

const secretsOfMember = (value: unknown): readonly string[] =>
  textsOf(value).flatMap((text) => secretsOfValue(NAMED_AS_SECRET, text));

/** All values of a server's entry that may be credentials, with and without their authentication scheme. */
export function secretsOfServer(server: ServerDefinition): readonly string[] {
  switch (server.transport) {
    case 'stdio':
      return secretsOfProcess(server.env, server.args);
    case 'contributed':
      return secretsOfEntry(server);
    case 'unloaded':
      return [];
    default:
      return secretsOfRemote(server);
  }
}

/** The text without the credentials that the class of the options of a guardrail marks. */
export function hideOptionSecrets({ options }: GuardrailDefinition, text: string): string {
  return hideMarkedValues(options.constructor as EntryClass, options, text);
}

/** The text without the values that a class marks as credentials. */
export function hideMarkedValues(type: EntryClass, value: object, text: string): string {
  const secrets = toDistinctForms(secretValuesOf(type, value).flatMap(secretsOfMember));
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, HIDDEN), text);
}

/** The values that the class marks, whatever their form, and what looks like a secret in the others. */
function secretsOfEntry({ entry, credentials: { headers, env } = NO_CREDENTIALS }: ContributedServer): string[] {
  const provided = Object.entries({ ...headers, ...env }).flatMap(([name, value]) => secretsOfValue(name, value));
  const marked = secretValuesOf(entry.constructor as EntryClass, entry).flatMap(secretsOfMember);
  return [...provided, ...marked, ...textsOf(entry).flatMap(secretsOfUrl)];
}

const NO_CREDENTIALS = { headers: {}, env: {} };
const NAMED_AS_SECRET = 'secret';

/** All texts in a value. */
function textsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
}

const secretsOfProcess = (env: Readonly<Record<string, string>>, args: readonly string[]): string[] => [
  ...Object.entries(env).flatMap(([name, value]) => secretsOfValue(name, value)),
  ...args.flatMap((arg, index) => secretsOfArgument(arg, args[index - 1])),
];

function secretsOfRemote(server: RemoteServer | RestServer): string[] {
  const tools = server.transport === 'rest' ? server.tools : [];
  const headers = [server, ...tools].flatMap(({ headers: own }) => Object.entries(own ?? {}));
  return [...headers.flatMap(([name, value]) => secretsOfValue(name, value)), ...secretsOfUrl(server.url)];
}

/** The value of a variable or header, and what follows an authentication scheme in it. */
function secretsOfValue(name: string, value: string): string[] {
  const minLength = SECRET_NAME.test(name) ? MIN_NAMED_LENGTH : MIN_VALUE_LENGTH;
  const credentials = value.replace(SCHEME, '');
  const decoded = /^basic\s/i.test(value) ? Buffer.from(credentials, 'base64').toString() : '';
  const parts = [value, credentials, decoded, ...decoded.split(':').slice(1), ...secretsOfUrl(value)];
  return parts.filter((part) => part.length >= minLength);
}

function secretsOfArgument(arg: string, before: string | undefined): string[] {
  const [, name, value] = NAMED_ARGUMENT.exec(arg) ?? [];
  if (name !== undefined && value !== undefined && SECRET_NAME.test(name)) return secretsOfValue(name, value);
  if (before !== undefined && OPTION.test(before) && SECRET_NAME.test(before) && !arg.startsWith('-'))
    return secretsOfValue(before, arg);
  const text = value ?? arg;
  return [
    ...secretsOfUrl(arg),
    ...secretsOfUrl(text),
    ...(text.length >= MIN_RANDOM_LENGTH && RANDOM.test(text) ? [text] : []),
  ];
}

function secretsOfUrl(text: string): string[] {
  const url = text.includes('://') ? URL.parse(text) : null;
  if (!url) return [];
  const raw = [url.password, ...url.search.slice(1).split(/[&=]/)];
  const values = [...raw, ...url.searchParams.values()];
  return values.filter((value) => value.length >= MIN_VALUE_LENGTH);
}

/** A secret as it is, percent-encoded, and by line: programs print keys of several lines line by line. */
function toWrittenForms(secret: string): string[] {
  const lines = secret.split(/[\r\n]+/).filter((line) => line.trim().length >= MIN_VALUE_LENGTH);
  return [secret, encodeURIComponent(secret.toWellFormed()), ...lines];
}
