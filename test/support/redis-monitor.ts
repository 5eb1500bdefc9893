import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/** One command, including those of scripts. Each byte is one Latin-1 character. */
export type MonitoredCommand = readonly string[];

const ARGUMENT = /"((?:[^"\\]|\\.)*)"/g;
const ESCAPED: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\u0007', b: '\b' };

/**
 * Records all commands of a Redis, including PUBLISH. Unlike a subscriber it does not count as a receiver of messages.
 */
export class RedisMonitor {
  readonly commands: MonitoredCommand[] = [];
  private readonly waiting = new Map<string, () => void>();

  private constructor(
    private readonly port: number,
    private readonly socket: Socket,
  ) {}

  static async open(port: number): Promise<RedisMonitor> {
    const socket = connect(port, '127.0.0.1');
    socket.setEncoding('latin1');
    await once(socket, 'connect');
    const monitor = new RedisMonitor(port, socket);
    const lines = createInterface(socket);
    socket.write('MONITOR\r\n');
    await once(lines, 'line');
    lines.on('line', (line) => monitor.addLine(line));
    return monitor;
  }

  /** Resolves when all commands sent to Redis so far are recorded. */
  async settled(): Promise<void> {
    const mark = crypto.randomUUID();
    const seen = new Promise<void>((resolve) => this.waiting.set(mark, resolve));
    const socket = connect(this.port, '127.0.0.1');
    socket.end(`ECHO ${mark}\r\n`);
    await seen;
    socket.destroy();
  }

  close(): void {
    this.socket.destroy();
  }

  private addLine(line: string): void {
    const command = [...line.matchAll(ARGUMENT)].map(([, text = '']) => unescaped(text));
    this.commands.push(command);
    const [name, mark = ''] = command;
    if (name === 'ECHO') this.waiting.get(mark)?.();
  }
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(?:x([\da-f]{2})|(.))/g, (_all, hex: string | undefined, sign: string) =>
    hex === undefined ? (ESCAPED[sign] ?? sign) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
