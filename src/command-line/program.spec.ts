import { describe, expect, it } from '@jest/globals';
import { createProgram } from './program.js';

/** Parses a command line that is rejected. Resolves with what the user reads. */
async function rejected(...args: string[]): Promise<string> {
  const printed: string[] = [];
  const program = createProgram('isthmus token');
  for (const command of [program, ...program.commands])
    command.configureOutput({ writeErr: (text) => printed.push(text), writeOut: (text) => printed.push(text) });
  const fault = await program.parseAsync(args, { from: 'user' }).then(
    () => new Error('accepted'),
    (cause: unknown) => cause,
  );
  return [...printed, fault instanceof Error ? fault.message : ''].join('\n');
}

describe('the command line', () => {
  it.each([
    [['token'], /--subject is missing/],
    [['token', '--subject'], /--subject <text>' argument missing/],
    [['token', '--subjet', 'me'], /unknown option '--subjet'\n\(Did you mean --subject\?\)/],
    [['token', '--subject', ''], /--subject is missing/],
    [['token', '--subject', 'me', 'you'], /too many arguments for 'token'/],
    [['token', '--subject', 'me', '--expires', 'soon'], /--expires soon: expected a duration such as/],
    [['token', '--subject', 'me', '--expires', '60'], /--expires 60: expected a duration/],
    [['token', '--subject', 'me', '--expires', '0s'], /from 1s to 365d/],
    [['token', '--subject', 'me', '--expires', '366d'], /from 1s to 365d/],
    [['start', '--prot', '1'], /unknown option '--prot'\n\(Did you mean --port\?\)/],
    [['start', '--port'], /--port <number>' argument missing/],
    [['start', '5000'], /too many arguments for 'start'/],
    [['strat'], /unknown command 'strat'\n\(Did you mean start\?\)/],
    [['check'], /missing required argument 'file'/],
    [['audit', 'verify', '--stream', 'stdout:'], /--stream needs --file/],
    [['audit', 'verify', '--since', 'yesterday'], /yesterday: expected a time such as/],
    [['audit', 'digest', '{'], /The arguments are no JSON/],
    [['call'], /missing required argument 'tool'/],
    [['call', 'echo', 'text'], /Argument text: expected name=text, or name:=JSON/],
    [['call', 'echo', 'n:=1,'], /Argument n: not valid JSON/],
    [['call', 'echo', '--args', '[]'], /--args: expected a JSON object/],
    [['call', 'echo', '--timeout', '5'], /--timeout 5: expected a duration/],
    [['call', 'echo', '--url', 'ftp://x'], /--url ftp:\/\/x: expected an http or https URL/],
  ])('is rejected with the reason when it is %j', async (args, reason) => {
    expect(await rejected(...args)).toMatch(reason);
  });

  it('has a help text that names every command and exit code', async () => {
    const help = await rejected('--help');
    for (const name of ['start', 'token', 'check', 'call', 'audit'])
      expect(help).toMatch(new RegExp(`^  ${name} `, 'm'));
    for (const code of [0, 1, 2, 3, 4]) expect(help).toMatch(new RegExp(`^  ${code}  `, 'm'));
  });

  it('has a help text of `start` that names the setting of each option', async () => {
    const help = await rejected('start', '--help');
    for (const name of ['HOST', 'PORT', 'WORKERS', 'DATA_DIR', 'CONFIG'])
      expect(help.replace(/\s+/g, ' ')).toContain(`(ISTHMUS_${name})`);
  });
});
