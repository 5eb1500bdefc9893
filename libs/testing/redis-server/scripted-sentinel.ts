import { EventEmitter, once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A Sentinel that answers and announces what the test says, at the moment that the test chooses. */
export interface ScriptedSentinel {
  readonly port: number;
  /** Port of the Redis server that the next answers name as the master. */
  master: number;
  /** Resolves while a connection is subscribed to announcements. */
  whenSubscribed(): Promise<void>;
  /** Holds the answer to the next question for the master. Resolves when it was asked; the result sends the answer. */
  holdNextAnswer(): Promise<() => void>;
  /** Announces a new master to every subscribed connection. Resolves when these have been closed in response. */
  announceSwitch(): Promise<void>;
  stop(): Promise<void>;
}

const CHANNEL = '+switch-master';

/** The reply to a command in the protocol of Redis (RESP3, which ioredis requests). */
function replyTo(command: readonly string[], master: number): string {
  const [name, subcommand] = command.map((part) => part.toLowerCase());
  if (name === 'subscribe') return `>3\r\n${bulk('subscribe')}${bulk(CHANNEL)}:1\r\n`;
  if (name === 'sentinel' && subcommand === 'get-master-addr-by-name')
    return `*2\r\n${bulk('127.0.0.1')}${bulk(String(master))}`;
  if (name === 'sentinel') return '*0\r\n';
  return '+OK\r\n';
}

const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`;

/** Splits the received text into commands: arrays of bulk strings without line breaks. */
function readCommands(text: string): readonly (readonly string[])[] {
  return text
    .split(/\*\d+\r\n/)
    .slice(1)
    .map((command) => command.split('\r\n').filter((line) => line !== '' && !line.startsWith('$')));
}

/** Starts a Sentinel on a free port that names the Redis server at this port as the master. */
export async function startScriptedSentinel(master: number): Promise<ScriptedSentinel> {
  const sockets = new Set<Socket>();
  const subscribed = new Set<Socket>();
  const subscriptions = new EventEmitter();
  let hold: ((release: () => void) => void) | undefined;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => [sockets, subscribed].forEach((set) => set.delete(socket)));
    socket.on('data', (data) => {
      for (const command of readCommands(data.toString())) {
        const answer = () => void (socket.writable && socket.write(replyTo(command, sentinel.master)));
        if (command[0]?.toLowerCase() === 'subscribe') {
          subscribed.add(socket);
          subscriptions.emit('added');
        }
        if (hold === undefined || command[1] !== 'get-master-addr-by-name') {
          answer();
          continue;
        }
        hold(answer);
        hold = undefined;
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sentinel: ScriptedSentinel = {
    port: (server.address() as AddressInfo).port,
    master,
    whenSubscribed: async () => {
      if (subscribed.size === 0) await once(subscriptions, 'added');
    },
    holdNextAnswer: () => new Promise((resolve) => (hold = resolve)),
    announceSwitch: async () => {
      const message = `>3\r\n${bulk('message')}${bulk(CHANNEL)}${bulk('main')}`;
      const closed = [...subscribed].map((socket) => once(socket, 'close'));
      for (const socket of subscribed) socket.write(message);
      await Promise.all(closed);
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return sentinel;
}
