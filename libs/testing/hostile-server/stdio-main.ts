/**
 * A hostile server on stdio: `node stdio-main.js --era legacy|modern [--misbehave method=behaviour]`.
 * With HOSTILE_LEDGER set, the server appends each received message to that file as one line of JSON.
 */
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Counters } from './counters.js';
import { actFor, LEGACY_REVISION, MODERN_REVISION, type Incoming, type Misbehaviour } from './handshake.js';
import { LineWire } from './line-wire.js';
import { Replies } from './replies.js';
import { perform } from './wire.js';

const { values } = parseArgs({
  options: { era: { type: 'string', default: 'legacy' }, misbehave: { type: 'string', multiple: true, default: [] } },
});
const revision = values.era === 'modern' ? MODERN_REVISION : LEGACY_REVISION;
const misbehave: Misbehaviour = Object.fromEntries(values.misbehave.map((pair) => pair.split('=', 2)));
const ledger = process.env['HOSTILE_LEDGER'];
const replies = new Replies();
const home = {
  counters: new Counters(),
  out: process.stdout,
  reply: (id: string) => replies.waitFor(id),
  exit: (code: number) => process.exit(code),
};

function record(message: Incoming): void {
  if (ledger === undefined) return;
  const { name: tool, arguments: args } = message.params ?? {};
  appendFileSync(ledger, `${JSON.stringify({ method: message.method, tool, call: args?.call })}\n`);
}

function handleLine(line: string): void {
  const message = JSON.parse(line) as Incoming;
  if (message.method === undefined) return replies.resolve(message);
  record(message);
  if (message.id === undefined) return;
  void perform(actFor(message, revision, misbehave), new LineWire(message.id, home));
}

process.stdout.on('error', () => process.exit(0));
createInterface({ input: process.stdin })
  .on('line', handleLine)
  .on('close', () => process.exit(0));
