import { env, stderr, stdin, stdout } from 'node:process';
import type { Command } from 'commander';
import { ConfigFault, DURATION_FORM, loadConfig, parseDuration } from '#lib/config';
import { DataFolderFault } from '../data-folder/index.js';
import { GatewayConfig } from '../gateway.config.js';
import { readCallArguments } from './call-arguments.js';
import { toAnswerText, type ToolAnswer } from './answer-text.js';
import { CommandFault, ExitCode } from './exit-code.js';
import { findLocalToken } from './local-token.js';
import { TerminalQuestions } from './terminal-questions.js';
import { toTerminalText } from './terminal-text.js';

interface CallValues {
  readonly url?: string;
  readonly token?: string;
  readonly args?: string;
  readonly timeout: string;
  readonly json?: true;
}

const EXAMPLES = `
Without --token, a call of a gateway on this machine uses a token from its data folder.

Examples:
  isthmus call sample__echo text=Hello
  isthmus call weather__forecast days:=3 --url https://gateway.example.com/mcp --token "$TOKEN"`;

/** Adds `isthmus call`, which calls one tool through a running gateway. */
export function addCallCommand(program: Command): void {
  program
    .command('call')
    .description('call a tool through a running gateway; questions of the tool are asked at the terminal')
    .argument('<tool>', 'name of the tool, as the gateway lists it')
    .argument('[arguments...]', 'name=text, or name:=JSON for other values')
    .option('--args <json>', 'all arguments as a JSON object')
    .option('--url <url>', 'MCP endpoint (default: /mcp of a gateway on this machine)')
    .option('--token <text>', 'bearer token')
    .option('--timeout <duration>', 'longest time without an answer or progress', '60s')
    .option('--json', 'print the result, or the JSON-RPC error, as a JSON object')
    .addHelpText('after', EXAMPLES)
    .action(callTool);
}

async function callTool(name: string, pairs: readonly string[], values: CallValues): Promise<void> {
  const args = readCallArguments(pairs, values.args);
  const timeoutMs = readTimeout(values.timeout);
  const url = readUrl(values.url ?? defaultUrl());
  const token = values.token ?? (await localToken(url));
  // The SDK is loaded by this command alone.
  const { callOnce } = await import('./tool-call.js');
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  // Only the first: another Ctrl-C ends the program, for a gateway that does not answer.
  process.once('SIGINT', interrupt);
  const questions = stdin.isTTY ? new TerminalQuestions(stdin, stderr, interrupt) : undefined;
  const call = { url, name, args, timeoutMs, questions, signal: interruption.signal };
  const outcome = await callOnce({ ...call, ...(token !== undefined && { token }) });
  if (outcome.kind === 'failed') {
    if (values.json) stdout.write(`${JSON.stringify({ error: outcome.error })}\n`);
    throw new CommandFault(outcome.text, outcome.exitCode);
  }
  print(outcome.answer, values.json === true);
}

function print(answer: ToolAnswer, isJson: boolean): void {
  const text = isJson ? JSON.stringify(answer) : toAnswerText(answer);
  stdout.write(`${stdout.isTTY ? toTerminalText(text) : text}\n`);
  process.exitCode = answer.isError === true ? ExitCode.failed : ExitCode.success;
}

function defaultUrl(): string {
  const [{ port }] = readSettings(() => loadConfig([GatewayConfig], env, { ignoreUnknown: true }));
  return `http://127.0.0.1:${port}/mcp`;
}

function readUrl(text: string): URL {
  const url = URL.parse(text);
  if (url && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new CommandFault(`--url ${text}: expected an http or https URL, such as http://127.0.0.1:4444/mcp.`);
}

function readTimeout(text: string): number {
  const ms = parseDuration(text) ?? 0;
  if (ms > 0) return ms;
  throw new CommandFault(`--timeout ${text}: expected ${DURATION_FORM}.`);
}

function localToken(url: URL): Promise<string | undefined> {
  return readSettings(() => findLocalToken(url, env)).catch((fault: unknown) => {
    throw toUsageFault(fault);
  });
}

function readSettings<T>(read: () => T): T {
  try {
    return read();
  } catch (fault) {
    throw toUsageFault(fault);
  }
}

const toUsageFault = (fault: unknown): unknown =>
  fault instanceof ConfigFault || fault instanceof DataFolderFault ? new CommandFault(fault.message) : fault;
