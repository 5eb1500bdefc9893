/** Runs Valkey until the process that started it exits. Sends one message: the URL at which it accepts commands. */
import { randomBytes } from 'node:crypto';
import { startValkey } from './valkey.js';

// Ctrl-C signals every process of a terminal; this one must run until the last worker has drained.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('disconnect', () => process.exit(0));

const password = randomBytes(24).toString('base64url');
const port = await startValkey(password);
process.send?.(`redis://:${password}@127.0.0.1:${port}`);
