import type { JsonObject } from '#lib/mcp-protocol';
import { toArguments } from './command-line.js';
import type { Filling } from './filling.js';
import type { PackageRunner } from './package-runners.js';
import type { NamedInput, Package } from './server-json.js';

/** A member of the document that the entry does not contain. */
export interface SkippedMember {
  readonly member: string;
  readonly reason: string;
}

/** Returns the members of the entry that starts a package. */
export function toPackageEntry(source: Package, runner: PackageRunner, filling: Filling): JsonObject {
  const env = toValues(source.environmentVariables, 'environment', filling);
  const command = commandOf(source, runner);
  const names = new Set([source.identifier, runner.nameOf(source)]);
  const args = runner.argumentsOf(
    source,
    {
      variables: Object.keys(env),
      // Some documents repeat the package among the arguments of its command.
      runtimeArguments: toArguments(source.runtimeArguments, filling).filter((text) => !names.has(text)),
      packageArguments: toArguments(source.packageArguments, filling),
    },
    command,
  );
  return { transport: 'stdio', command, args: [...args], ...(Object.keys(env).length > 0 && { env }) };
}

/** Returns headers or environment variables that have a value. */
export function toValues(inputs: readonly NamedInput[], use: 'environment' | 'header', filling: Filling): JsonObject {
  const entries = inputs.flatMap((input) => {
    const [value] = filling.valuesOf(input, { name: input.name, use });
    return value === undefined ? [] : [[input.name, value] as const];
  });
  return Object.fromEntries(entries);
}

/** Returns what the entry of a package does not say, with the reasons. */
export function skippedOfPackage(source: Package, runner: PackageRunner): readonly SkippedMember[] {
  const { at, registryType, identifier, version, runtimeHint, fileSha256, hasInstructions } = source;
  const command = commandOf(source, runner);
  const skipped: SkippedMember[] = [];
  const skip = (member: string, reason: string): void => void skipped.push({ member: `${at}.${member}`, reason });
  const isTagged = registryType === 'oci' && /@|:[^/]+$/.test(identifier);
  if (version === undefined && !isTagged) skip('version', 'is missing, so the latest version is started each time');
  if (version !== undefined && isTagged && !identifier.endsWith(version)) {
    skip('version', 'is replaced by the tag or digest of the identifier');
  }
  if (runtimeHint !== undefined && runtimeHint !== command) {
    skip('runtimeHint', `is no command that fetches and starts the package: ${command} does`);
  }
  if (fileSha256 !== undefined) skip('fileSha256', `is not verified: ${command} fetches the package`);
  if (hasInstructions) skip('postInstallInstructions', 'are for people: read them in the document');
  return skipped;
}

export const commandOf = ({ runtimeHint }: Package, { commands }: PackageRunner): string =>
  commands.find((command) => command === runtimeHint) ?? commands[0] ?? '';
