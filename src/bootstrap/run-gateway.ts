import cluster from 'node:cluster';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigFault, loadConfig, LoadedConfig } from '#lib/config';
import { Clock } from '#lib/time';
import { WorkerBusServer } from '#lib/worker-bus';
import { TokenIssuer } from '../auth/index.js';
import { createGateway, type GatewayOptions } from '../create-gateway.js';
import { DataFolder } from '../data-folder/index.js';
import { findFirstCall } from './first-call.js';
import { GATEWAY_SETTINGS } from '../gateway-settings.js';
import { GatewayConfig } from '../gateway.config.js';
import { firstGreeting, laterGreeting, toLocalUrl } from './greeting.js';
import { Drain, Readiness } from '../lifecycle/index.js';
import { ConfigurationFile, publicExposureWarnings, ServerRegistry } from '../registry/index.js';

const FIRST_TOKEN_SECONDS = 30 * 24 * 60 * 60;
/** How long in-flight calls may take to finish after a shutdown signal, in milliseconds. */
const DRAIN_TIMEOUT_MS = 25_000;
/** The same for a restart after fencing: the worker did not respond for seconds, so its clients rarely still wait. */
const RESTART_DRAIN_TIMEOUT_MS = 2_000;
const RESTART_DELAY_MS = 500;
/** Where a team has installed the package. */
const INSTALLED_TOKEN_COMMAND = 'npx isthmus token';

const logger = new Logger('Gateway');

export interface RunOptions extends GatewayOptions {
  /** Program and command that issue a token where the gateway runs, for its greeting. */
  readonly tokenCommand?: string;
}

/** A gateway that listens for requests. */
export interface RunningGateway {
  /** Text for the operator; empty when the gateway was stopped before it could be composed. */
  readonly greeting: string;
  /** True when this start created the secrets, so that the greeting contains a token. */
  readonly isFirst: boolean;
}

/** Notified when a running gateway ends. */
export interface GatewayCallbacks {
  /** The gateway has shut down after a signal or a request. */
  onStopped(): void;
  /** The gateway could not restart after fencing and serves no requests: its process must exit. */
  onFailed(): void;
}

const NO_CALLBACKS: GatewayCallbacks = {
  onStopped: () => undefined,
  onFailed: () => process.exit(1),
};

const ONE_WORKER =
  'ISTHMUS_WORKERS: a program of your own runs one worker. Set it to 1 and start the program once for each worker, or run ' +
  '`isthmus start` with your module in ISTHMUS_EXTENSIONS';

/**
 * Runs a complete gateway, of one worker, in this process and handles its signals. The default of `callbacks` ends the process
 * when the gateway cannot restart.
 * @throws the errors of `createGateway` and of listening; ConfigFault for several workers
 */
export async function runGateway(options: RunOptions, callbacks = NO_CALLBACKS): Promise<RunningGateway> {
  refuseSeveralWorkers(options);
  const running = await GatewayProcess.start(options, callbacks);
  handleSignals(running);
  options.logger?.holdWarnings();
  return running.toRunningGateway();
}

/** Only the primary of `isthmus start` starts several workers, in processes of its own. */
function refuseSeveralWorkers({ variables = {} }: GatewayOptions): void {
  const config = new LoadedConfig(loadConfig(GATEWAY_SETTINGS, variables), variables);
  if (config.get(GatewayConfig).workers > 1 && !cluster.isWorker) throw new ConfigFault([ONE_WORKER]);
}

/** Creates a gateway and lets it listen. Without `port`, on the configured one. */
async function startListening(options: GatewayOptions, port?: number): Promise<NestFastifyApplication> {
  const gateway = await createGateway(options);
  const { host, port: configured } = gateway.get(GatewayConfig);
  try {
    await gateway.listen(port ?? configured, host);
    return gateway;
  } catch (cause) {
    // A second failure must not hide the first.
    await gateway.close().catch(() => undefined);
    throw cause;
  }
}

/** The gateway of this process. After fencing, a new gateway replaces it. */
class GatewayProcess {
  private draining: Promise<void> | undefined;
  private stopped: Promise<void> | undefined;
  private restarting: Promise<void> | undefined;
  /** The gateway that was drained before its replacement. */
  private previousGateway: NestFastifyApplication | undefined;
  private readonly greetingController = new AbortController();

  private constructor(
    private readonly options: RunOptions,
    private readonly callbacks: GatewayCallbacks,
    private readonly host: string,
    private gateway: NestFastifyApplication,
  ) {
    this.observe();
  }

  static async start(options: RunOptions, callbacks: GatewayCallbacks): Promise<GatewayProcess> {
    const gateway = await startListening(options);
    return new GatewayProcess(options, callbacks, gateway.get(GatewayConfig).host, gateway);
  }

  async toRunningGateway(): Promise<RunningGateway> {
    const { tokenCommand = INSTALLED_TOKEN_COMMAND } = this.options;
    const greeting = await createGreeting(this.gateway, this.host, tokenCommand, this.greetingController.signal);
    return { greeting: this.draining ? '' : greeting, isFirst: this.gateway.get(DataFolder).isFirstStart };
  }

  reload(): void {
    void this.gateway.get(ConfigurationFile).reload();
  }

  /** Shuts down permanently and notifies the callbacks. Later calls return the same promise. */
  stop(): Promise<void> {
    return (this.stopped ??= (this.draining = this.drainOnce()).then(() => this.callbacks.onStopped()));
  }

  private async drainOnce(): Promise<void> {
    this.greetingController.abort();
    // One that is just starting would not hear of it.
    await this.restarting;
    if (this.gateway !== this.previousGateway) await drain(this.gateway);
  }

  private observe(): void {
    warnOfExposure(this.gateway.get(ServerRegistry), this.host);
    this.gateway.get(Drain).onRequested(() => void this.stop());
    const { membership } = this.gateway.get(WorkerBusServer).node;
    const replace = () => {
      // A draining worker is fenced by the others as well, and needs no replacement.
      if (!this.draining) this.restarting = this.restart();
    };
    if (membership.isSelfFenced) replace();
    else membership.onFenced(replace);
  }

  /**
   * While this worker was suspended or could not reach Redis, another worker fenced it: the others would ignore
   * everything that it opens from now on. A worker with a new id replaces it on the same port.
   */
  private async restart(): Promise<void> {
    logger.warn('Other workers fenced this worker: its sessions have ended, and it restarts.');
    const { port } = this.gateway.getHttpServer().address() as { port: number };
    try {
      // Requests that arrived during the suspension are still answered: their session has ended.
      await this.gateway.get(Clock).sleep(RESTART_DELAY_MS);
      this.previousGateway = this.gateway;
      await drain(this.previousGateway, RESTART_DRAIN_TIMEOUT_MS);
      if (this.draining) return;
      this.gateway = await startListening(this.options, port);
      this.observe();
      logger.log('The worker has restarted.');
    } catch (cause) {
      logger.error(`The restart failed: ${String(cause)}`);
      this.callbacks.onFailed();
    }
  }
}

function warnOfExposure(registry: ServerRegistry, host: string): void {
  const warn = () => publicExposureWarnings(host, registry.snapshot).forEach((warning) => logger.warn(warning));
  warn();
  registry.onChange(warn);
}

/** The first greeting waits until the call in it can be served. */
async function createGreeting(
  gateway: NestFastifyApplication,
  host: string,
  tokenCommand: string,
  signal: AbortSignal,
): Promise<string> {
  const { port } = gateway.getHttpServer().address() as { port: number };
  const { path: dataFolder, isFirstStart: firstStart } = gateway.get(DataFolder);
  const { publicUrl } = gateway.get(GatewayConfig);
  const url = toLocalUrl(host, port);
  const place = { url, publicUrl, dataFolder, tokenCommand };
  if (!firstStart) return laterGreeting(place);
  const tokenOf = (role: string) =>
    gateway
      .get(TokenIssuer)
      .issue({ subject: `${role}@localhost`, roles: [role], expiresInSeconds: FIRST_TOKEN_SECONDS });
  const userToken = await tokenOf('user');
  const call = await findFirstCall(url, userToken, signal, gateway.get(Clock));
  // Unlike its type says, it is missing where there is no terminal.
  const { isTTY = false } = process.stdout as { isTTY?: boolean };
  const adminToken = isTTY ? { adminToken: await tokenOf('admin') } : {};
  return firstGreeting({ ...place, userToken, call, ...adminToken });
}

function handleSignals(running: GatewayProcess): void {
  const leave = () => void running.stop();
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  process.on('SIGHUP', () => running.reload());
}

/** Reports not ready immediately, waits for in-flight calls, and closes the remaining connections at the deadline. */
async function drain(gateway: NestFastifyApplication, deadlineMs = DRAIN_TIMEOUT_MS): Promise<void> {
  const drained = new AbortController();
  const closeAtDeadline = () => {
    if (drained.signal.aborted) return;
    gateway.get(Readiness).close();
    logger.warn('Calls are still in flight at the drain deadline; their connections are closed.');
    gateway.getHttpServer().closeAllConnections();
  };
  void gateway.get(Clock).sleep(deadlineMs, drained.signal).then(closeAtDeadline);
  const closable = gateway.get(Drain).start();
  logger.log('Draining: readiness answers 503, and in-flight calls finish.');
  try {
    await closable;
    await gateway.close();
  } catch (cause) {
    logger.error(`The shutdown failed: ${String(cause)}`);
    process.exitCode = 1;
  } finally {
    drained.abort();
  }
}
