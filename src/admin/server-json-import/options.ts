import type { JsonObject } from '#lib/mcp-protocol';
import { isSettableHeader } from '../../registry/index.js';
import type { Filling } from './filling.js';
import { commandOf, skippedOfPackage, toPackageEntry, toValues, type SkippedMember } from './package-entry.js';
import { findPackageFaults, findRunner } from './package-runners.js';
import type { Package, Remote, ServerJson } from './server-json.js';

/** Rules of the installation that the import applies. */
export interface ImportRules {
  /** Why the admin API would not create a server at this URL. Undefined: it would. */
  findUrlFault(url: string): string | undefined;
  /** The admin API may create servers that start programs. */
  readonly mayStartPrograms: boolean;
}

/** One package or remote of a document. */
export interface Option {
  /** Its place in the document, such as `remotes[0]`. */
  readonly choice: string;
  readonly label: string;
  /** Why it cannot become a server. */
  readonly unsupported?: string;
  /** What is wrong with it, with the places. */
  readonly faults: readonly string[];
  readonly skipped: readonly SkippedMember[];
  /** Returns the members of the entry. */
  readonly toMembers: (filling: Filling) => JsonObject;
}

const TRANSPORTS: Readonly<Record<string, string>> = { 'streamable-http': 'http', sse: 'sse' };

/** Returns the remotes and packages of a document. Remotes come first: they need nothing on this machine. */
export const optionsOf = ({ remotes, packages }: ServerJson, rules: ImportRules): readonly Option[] => [
  ...remotes.map((remote) => toRemoteOption(remote, rules)),
  ...packages.map((source) => toPackageOption(source, rules)),
];

function toRemoteOption(remote: Remote, rules: ImportRules): Option {
  const { at, type, url, variables } = remote;
  const transport = Object.hasOwn(TRANSPORTS, type) ? TRANSPORTS[type] : undefined;
  const common = { choice: at, label: `${type} ${url}` };
  if (transport === undefined) {
    const unsupported = 'The gateway reaches servers over streamable-http and sse.';
    return { ...common, unsupported, faults: [], skipped: [], toMembers: () => ({}) };
  }
  const headers = remote.headers.filter(({ name }) => isSettableHeader(name));
  const fault = url.includes('{') ? undefined : rules.findUrlFault(url);
  return {
    ...common,
    faults: fault === undefined ? [] : [`${at}.url ${fault}`],
    skipped: remote.headers
      .filter((header) => !headers.includes(header))
      .map((header) => ({ member: header.at, reason: `the gateway sets the header ${header.name} itself` })),
    toMembers: (filling) => {
      const filled = filling.urlOf(url, at, variables);
      const urlFault = filled.includes('{') || filled === url ? undefined : rules.findUrlFault(filled);
      if (urlFault !== undefined) filling.faults.push(`${at}.url with the values of its variables ${urlFault}`);
      const values = toValues(headers, 'header', filling);
      return { transport, url: filled, ...(Object.keys(values).length > 0 && { headers: values }) };
    },
  };
}

const NOT_PERMITTED =
  'starts a program, which the settings do not permit over the admin API: set ISTHMUS_ADMIN_MAY_START_PROGRAMS, or declare the ' +
  'entry in the configuration file';

function toPackageOption(source: Package, { mayStartPrograms }: ImportRules): Option {
  const { at, registryType, identifier, version } = source;
  const runner = findRunner(source);
  if (typeof runner === 'string') {
    const label = `${registryType} ${identifier}${version === undefined ? '' : ` ${version}`}`;
    return { choice: at, label, unsupported: runner, faults: [], skipped: [], toMembers: () => ({}) };
  }
  return {
    choice: at,
    label: `${registryType} ${runner.nameOf(source)} (${commandOf(source, runner)})`,
    faults: findPackageFaults(source, runner),
    skipped: [
      ...(mayStartPrograms ? [] : [{ member: at, reason: NOT_PERMITTED }]),
      ...skippedOfPackage(source, runner),
    ],
    toMembers: (filling) => toPackageEntry(source, runner, filling),
  };
}
