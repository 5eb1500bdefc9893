// Jest global setup: measures, once per run and before any test, how much slower this machine is than the one that
// deadlines were set on, and passes the factor to every test process in TEST_MACHINE_SLOWDOWN
// (libs/testing/machine-speed). The current load of the machine counts, because the tests share the machine with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const VARIABLE = 'TEST_MACHINE_SLOWDOWN';

/** Duration of one round on two idle cores of the machine that deadlines were set on, in milliseconds. */
const REFERENCE_MS = 250;
const ROUNDS = 4;

/** Two processes that start and answer, as two workers do. Each message costs a wake-up and some milliseconds of JSON. */
const PARTNERS = 2;
const MESSAGES = 60;
const PAYLOAD = JSON.stringify({ items: Array.from({ length: 2_000 }, (_, id) => ({ id, name: `item ${id}` })) });

const PARTNER = `
  process.on('message', (text) => process.send(JSON.stringify(JSON.parse(text))));
  process.send('ready');
`;

async function talkTo(partner) {
  await once(partner, 'message');
  for (let sent = 0; sent < MESSAGES; sent += 1) {
    partner.send(PAYLOAD);
    const [text] = await once(partner, 'message');
    JSON.parse(text);
  }
}

async function timeOfRound() {
  const begunAt = performance.now();
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'];
  const partners = Array.from({ length: PARTNERS }, () => spawn(process.execPath, ['-e', PARTNER], { stdio }));
  try {
    await Promise.all(partners.map(talkTo));
    return performance.now() - begunAt;
  } finally {
    for (const partner of partners) partner.kill('SIGKILL');
  }
}

async function measureSlowdown() {
  // Warms this process up.
  await timeOfRound();
  let totalMs = 0;
  for (let round = 0; round < ROUNDS; round += 1) totalMs += await timeOfRound();
  return Math.max(1, Math.round((10 * totalMs) / ROUNDS / REFERENCE_MS) / 10);
}

/** Keeps a factor that the user has set. */
export default async function measureOnce() {
  process.env[VARIABLE] ??= String(await measureSlowdown());
  const slowdown = process.env[VARIABLE];
  if (Number(slowdown) > 1) {
    process.stderr.write(`This machine is slow or busy: deadlines of tests are multiplied by ${slowdown}.\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${await measureSlowdown()}\n`);
