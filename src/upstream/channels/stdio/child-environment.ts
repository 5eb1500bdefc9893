/** Variables that a program may expect in any environment. No other variable of the gateway is passed on. */
const PASSED_VARIABLES = ['PATH', 'HOME', 'LANG', 'USER', 'SHELL', 'TERM', 'TMPDIR'] as const;

/** Builds the environment of a child process: the passed variables and those of its definition. */
export function childEnvironment(
  gatewayEnvironment: Readonly<Record<string, string | undefined>>,
  added: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of PASSED_VARIABLES) {
    const value = gatewayEnvironment[name];
    if (value !== undefined) environment[name] = value;
  }
  return Object.assign(environment, added);
}
