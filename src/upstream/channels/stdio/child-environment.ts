/** What a program may expect to find in any environment. Nothing else of the gateway's own is handed on. */
const PASSED_VARIABLES = ['PATH', 'HOME', 'LANG', 'USER', 'SHELL', 'TERM', 'TMPDIR'] as const;

/** The environment of a child process: a minimum of ours, and what its definition adds. */
export function childEnvironment(
  ours: Readonly<Record<string, string | undefined>>,
  added: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of PASSED_VARIABLES) {
    const value = ours[name];
    if (value !== undefined) environment[name] = value;
  }
  return Object.assign(environment, added);
}
