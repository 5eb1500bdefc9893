import { readFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { basename, resolve as resolvePath } from 'node:path';
import { pathToFileURL } from 'node:url';
import { resolve } from 'import-meta-resolve';
import { satisfies } from 'semver';
import { loadedKits, PRODUCT } from '#lib/extension-kit';
import { ExtensionFault } from './extension.errors.js';
import { isExtension, type Extension } from './extension.js';

/**
 * Imports the modules that `ISTHMUS_EXTENSIONS` names, in their order. `folder` is the one that relative names start from.
 * @throws ExtensionFault for the first module that cannot be used
 */
export async function loadExtensions(names: readonly string[], folder = process.cwd()): Promise<readonly Extension[]> {
  const extensions: Extension[] = [];
  for (const name of names) extensions.push(await loadExtension(name, folder));
  return extensions;
}

async function loadExtension(name: string, folder: string): Promise<Extension> {
  const url = locate(name, folder);
  await requireSupportedVersion(name, url);
  const known = loadedKits().length;
  const exported = await importDefault(name, url);
  const foreign = loadedKits()[known];
  if (foreign !== undefined) throw new ExtensionFault(toForeignKitText(name, foreign.version, foreign.location));
  if (isExtension(exported)) return exported;
  throw new ExtensionFault(
    `The extension ${name} has no Nest module as its default export. Export the module: \`export default AcmeModule;\`.`,
  );
}

function locate(name: string, folder: string): string {
  if (/^(?:\.{0,2}\/|[A-Za-z]:[\\/])/.test(name)) return pathToFileURL(resolvePath(folder, name)).href;
  try {
    return resolve(name, pathToFileURL(resolvePath(folder, 'package.json')).href);
  } catch (cause) {
    throw toLoadFault(name, cause);
  }
}

async function importDefault(name: string, url: string): Promise<unknown> {
  try {
    const { default: exported } = (await import(url)) as { readonly default?: unknown };
    // A module that was compiled to CommonJS has its own default export inside.
    const isWrapped =
      typeof exported === 'object' && exported !== null && !isExtension(exported) && 'default' in exported;
    return isWrapped ? exported.default : exported;
  } catch (cause) {
    throw toLoadFault(name, cause);
  }
}

/** A package says in `peerDependencies` for which versions of the gateway it was built. */
async function requireSupportedVersion(name: string, url: string): Promise<void> {
  const file = findManifest(url);
  if (file === undefined) return;
  const { peerDependencies } = JSON.parse(await readFile(file, 'utf8')) as {
    readonly peerDependencies?: Readonly<Record<string, string>>;
  };
  const range = peerDependencies?.[PRODUCT.name];
  if (range === undefined || satisfies(PRODUCT.version, range, { includePrerelease: true })) return;
  throw new ExtensionFault(
    `The extension ${name} was built for ${PRODUCT.name} ${range} (peerDependencies in ${file}), but this is ` +
      `${PRODUCT.name} ${PRODUCT.version}. Install a version of the extension for it.`,
  );
}

/** Undefined for a file outside every package, and for one that does not exist, which the import reports. */
function findManifest(url: string): string | undefined {
  try {
    const file = findPackageJSON(url);
    // Without a package, Node returns the file itself.
    return file !== undefined && basename(file) === 'package.json' ? file : undefined;
  } catch {
    return undefined;
  }
}

const toForeignKitText = (name: string, version: string, location: string): string =>
  `The extension ${name} was built for extension kit ${version} of another installation (${location}), so the gateway ` +
  `with kit ${PRODUCT.version} cannot recognize what it provides. Install ${PRODUCT.name} once, as a peer dependency of the extension.`;

function toLoadFault(name: string, cause: unknown): ExtensionFault {
  const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new ExtensionFault(`The extension ${name} of ISTHMUS_EXTENSIONS cannot be loaded. ${reason}`);
}
