import type { JsonObject } from '#lib/mcp-protocol';
import { escapeSecretReferences } from '../../registry/index.js';
import { Filling, type AskedInput } from './filling.js';
import { optionsOf, type ImportRules, type Option } from './options.js';
import type { SkippedMember } from './package-entry.js';
import { readServerJson } from './read-server-json.js';
import { ServerJsonInvalid } from './server-json-invalid.js';

const MAX_TITLE_LENGTH = 200;
const MAX_SLUG_LENGTH = 32;

/** What the caller says about a document. */
export interface ImportRequest {
  readonly document: JsonObject | string;
  /** The place of the package or remote. Default: the first that can become a server. */
  readonly choice?: string;
  /** Values by the places of the inputs. */
  readonly inputs: ReadonlyMap<string, readonly string[]>;
}

/** The draft of a server. Nothing is stored, fetched or started. */
export interface ServerJsonDraft {
  /** A name for the server. */
  readonly slug: string;
  /** The entry to send to `POST /servers`, without inputs that have no value. */
  readonly entry: JsonObject;
  readonly choice: string;
  /** All packages and remotes of the document. */
  readonly choices: readonly { readonly choice: string; readonly label: string; readonly unsupported?: string }[];
  readonly inputs: readonly AskedInput[];
  readonly skipped: readonly SkippedMember[];
}

/**
 * Converts a package or remote of a `server.json` to the entry of a server.
 * Source: the format of https://github.com/modelcontextprotocol/registry.
 * @throws ServerJsonInvalid
 */
export function importServerJson({ document, choice, inputs }: ImportRequest, rules: ImportRules): ServerJsonDraft {
  const { name, title = name, ...listed } = readServerJson(document);
  const options = optionsOf({ name, ...listed }, rules);
  const chosen = choice === undefined ? chooseFirst(options) : findOption(options, choice);
  const filling = new Filling(inputs);
  const members = chosen.toMembers(filling);
  const faults = filling.finish();
  if (faults.length > 0) throw new ServerJsonInvalid(faults, 'The values of the inputs cannot be used.');
  const { transport, ...rest } = members;
  const shown = escapeSecretReferences(title.slice(0, MAX_TITLE_LENGTH).toWellFormed());
  return {
    slug: toSlug(name),
    entry: { transport, title: shown.slice(0, MAX_TITLE_LENGTH), ...rest },
    choice: chosen.choice,
    choices: options.map(({ choice: at, label, unsupported }) => ({
      choice: at,
      label,
      ...(unsupported !== undefined && { unsupported }),
    })),
    inputs: filling.asked,
    skipped: chosen.skipped,
  };
}

function chooseFirst(options: readonly Option[]): Option {
  if (options.length === 0) throw new ServerJsonInvalid(['document must have packages or remotes: it has neither']);
  const usable = options.find(({ unsupported, faults }) => unsupported === undefined && faults.length === 0);
  if (!usable) throw new ServerJsonInvalid(options.flatMap(faultsOf));
  return usable;
}

function findOption(options: readonly Option[], choice: string): Option {
  const found = options.find((option) => option.choice === choice);
  if (!found) {
    const places = options.map((option) => option.choice).join(', ');
    throw new ServerJsonInvalid([`choice must be one of ${places}`], 'The document has no such package or remote.');
  }
  const faults = faultsOf(found);
  if (faults.length > 0) throw new ServerJsonInvalid(faults);
  return found;
}

const faultsOf = ({ choice, unsupported, faults }: Option): readonly string[] =>
  unsupported === undefined ? faults : [`${choice} cannot be imported. ${unsupported}`];

/** Makes the name of a server from the part of a name behind the namespace. */
function toSlug(name: string): string {
  const own = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  const words = own
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[-0-9]+/, '')
    .slice(0, MAX_SLUG_LENGTH)
    .replace(/-+$/, '');
  return words === '' || words === 'default' ? 'server' : words;
}
