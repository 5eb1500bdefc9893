import { env, stdout } from 'node:process';
import type { Command } from 'commander';
import { ConfigFault, loadConfig } from '#lib/config';
import { UPSTREAM_ADAPTERS } from '#lib/extension-kit';
import { declaredBy, ExtensionFault, ExtensionsConfig, loadExtensions } from '../extensions/index.js';
import {
  checkConfigurationFile,
  toServerKinds,
  type CheckedConfiguration,
  type ServerKinds,
} from '../registry/index.js';
import { CommandFault, ExitCode } from './exit-code.js';

/** Adds `isthmus check`, which validates a configuration file without starting anything. */
export function addCheckCommand(program: Command): void {
  program
    .command('check')
    .description('validate a configuration file, with the environment variables that it refers to')
    .argument('<file>', 'configuration file, in YAML or JSON')
    .option('--json', 'print the result as a JSON object')
    .allowExcessArguments(false)
    .action(checkFile);
}

/** The kinds of servers that the extensions of `ISTHMUS_EXTENSIONS` connect, besides those of the gateway. */
async function readServerKinds(): Promise<ServerKinds> {
  try {
    const [{ extensions }] = loadConfig([ExtensionsConfig], env, { ignoreUnknown: true });
    return toServerKinds(await declaredBy(await loadExtensions(extensions), UPSTREAM_ADAPTERS));
  } catch (fault) {
    if (fault instanceof ConfigFault || fault instanceof ExtensionFault) throw new CommandFault(fault.message);
    throw fault;
  }
}

async function checkFile(file: string, { json }: { readonly json?: true }): Promise<void> {
  const checked = await checkConfigurationFile(file, env, await readServerKinds());
  stdout.write(`${json ? JSON.stringify({ file, ...checked }) : toText(file, checked)}\n`);
  process.exitCode = checked.valid ? ExitCode.success : ExitCode.failed;
}

function toText(file: string, { faults, warnings, entries }: CheckedConfiguration): string {
  const lines = [...faults, ...warnings].map(({ path, message }) => `  ${path === '' ? '' : `${path}: `}${message}`);
  const counts = Object.entries(entries).map(([section, count]) => `${section}: ${count}`);
  const verdict = faults.length > 0 ? toCount(faults.length) : 'valid';
  return [`${file}: ${verdict}${counts.length > 0 ? ` (${counts.join(', ')})` : ''}`, ...lines].join('\n');
}

const toCount = (faults: number): string => (faults === 1 ? '1 fault' : `${faults} faults`);
