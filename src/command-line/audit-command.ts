import { createReadStream, existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { env, stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { ConfigFault, loadConfig } from '#lib/config';
import { SystemClock } from '#lib/extension-kit';
import type { JsonValue } from '#lib/mcp-protocol';
import {
  AuditKey,
  AuditTable,
  describeReport,
  verifyDatabase,
  verifyLines,
  type TimeRange,
  type VerificationReport,
} from '../audit/index.js';
import { DataFolderConfig, DataFolderFault, readCredentialSecrets } from '../data-folder/index.js';
import { Database, DatabaseConfig } from '../database/index.js';
import { append } from './append.js';
import { CommandFault, ExitCode } from './exit-code.js';

interface VerifyValues {
  readonly file?: readonly string[];
  readonly stream?: string;
  readonly since?: Date;
  readonly until?: Date;
  readonly json?: true;
}

/** What the audit log needs of a data folder. */
interface AuditFolder {
  /** Absolute path. */
  readonly path: string;
  /** The key of new records first, then those of earlier ones. */
  readonly keys: readonly AuditKey[];
}

const NOTE = `
Exit codes: 0 nothing is broken, 1 a chain is broken, 2 the chains could not be checked.`;

/** Adds `isthmus audit`, which works on the audit log with the key of the data folder (docs/audit.md). */
export function addAuditCommand(program: Command): void {
  const audit = program.command('audit').description('check the audit log');
  audit
    .command('verify')
    .description('check that no record was altered, removed, inserted or moved: in the database, or in files')
    .option('--file <path>', 'file to check; "-" is the standard input. May be repeated, oldest first', append)
    .option('--stream <url>', 'stream of ISTHMUS_AUDIT_STREAMS that wrote the files, whose known losses are no fault')
    .option('--since <time>', 'check only records since this time (RFC 3339)', readTime)
    .option('--until <time>', 'check only records before this time', readTime)
    .option('--json', 'print the report as a JSON object')
    .addHelpText('after', NOTE)
    .allowExcessArguments(false)
    .action(verify);
  audit
    .command('digest')
    .description('print the digest that records contain for these arguments')
    .argument('<json>', 'arguments of a call')
    .allowExcessArguments(false)
    .action(async (json: string) => {
      const args = readArguments(json);
      const { keys } = await openFolder();
      stdout.write(`${keys[0]?.digestArguments(args)}\n`);
    });
}

async function verify({ file = [], stream, since, until, json }: VerifyValues): Promise<void> {
  if (stream !== undefined && file.length === 0) throw new CommandFault('--stream needs --file.');
  const range = { ...(since && { since }), ...(until && { until }) };
  const folder = await openFolder();
  const report = await check(file, stream, range, folder);
  stdout.write(json ? `${JSON.stringify(report)}\n` : describeReport(report));
  process.exitCode = report.faults.length > 0 ? ExitCode.failed : ExitCode.success;
}

async function check(
  files: readonly string[],
  stream: string | undefined,
  range: TimeRange,
  folder: AuditFolder,
): Promise<VerificationReport> {
  try {
    if (files.length > 0) return await verifyLines(readLines(files), folder.keys, range, stream);
    return await checkDatabase(range, folder);
  } catch (fault) {
    if (fault instanceof CommandFault) throw fault;
    throw new CommandFault(
      `The audit log could not be checked: ${fault instanceof Error ? fault.message : String(fault)}`,
    );
  }
}

async function checkDatabase(range: TimeRange, folder: AuditFolder): Promise<VerificationReport> {
  const [settings] = loadConfig([DatabaseConfig], env, { ignoreUnknown: true });
  const place = settings.placeIn(folder.path);
  if (place.kind === 'sqlite' && !existsSync(place.file))
    throw new CommandFault('There is no database in the data folder. Set ISTHMUS_DATA_DIR to another one.');
  const database = new Database(place);
  try {
    return await verifyDatabase(new AuditTable(database), folder.keys, range, new SystemClock().now());
  } finally {
    await database.close();
  }
}

async function* readLines(files: readonly string[]) {
  for (const file of files) {
    const input = file === '-' ? stdin : createReadStream(file);
    let number = 0;
    for await (const text of createInterface({ input, crlfDelay: Infinity })) {
      number += 1;
      yield { text, place: `line ${number}${file === '-' ? '' : ` of ${file}`}` };
    }
  }
}

/** Creates nothing: with a new key, every record would count as altered. */
async function openFolder(): Promise<AuditFolder> {
  try {
    const [{ dataDir }] = loadConfig([DataFolderConfig], env, { ignoreUnknown: true });
    const secrets = await readCredentialSecrets(dataDir);
    return { path: resolve(dataDir), keys: secrets.map((secret) => new AuditKey(secret)) };
  } catch (fault) {
    if (fault instanceof ConfigFault || fault instanceof DataFolderFault) throw new CommandFault(fault.message);
    throw fault;
  }
}

function readArguments(json: string): JsonValue {
  try {
    return JSON.parse(json) as JsonValue;
  } catch {
    throw new CommandFault('The arguments are no JSON.');
  }
}

function readTime(text: string): Date {
  const time = new Date(text);
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(time.getTime())) return time;
  throw new CommandFault(`${text}: expected a time such as 2026-01-31T12:00:00Z.`);
}
