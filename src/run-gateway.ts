import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Variables } from '#lib/config';
import { WorkerBusServer } from '#lib/worker-bus';
import { TokenIssuer } from './auth/index.js';
import { createGateway } from './create-gateway.js';
import { DataFolder } from './data-folder/index.js';
import { Drain } from './drain/index.js';
import { GatewayConfig } from './gateway.config.js';
import { firstGreeting, laterGreeting, toLocalUrl } from './greeting.js';
import { Readiness } from './health/index.js';
import { ConfigurationFile, publicExposureWarnings, ServerRegistry } from './registry/index.js';

const FIRST_TOKEN_SECONDS = 30 * 24 * 60 * 60;
/** Calls in flight have so long to finish when the gateway is told to leave. */
const DRAIN_TIMEOUT_MS = 25_000;
/** A worker that starts anew has none that its client still waits for, as a rule: it was silent for seconds. */
const RESTART_DRAIN_TIMEOUT_MS = 2_000;
const RESTART_DELAY_MS = 500;

const logger = new Logger('Gateway');

/** A gateway that listens. */
export interface RunningGateway {
  /** What to tell the person who started it. */
  readonly greeting: string;
  /** The greeting has a token, as the secrets were drawn by this very start. */
  readonly isFirst: boolean;
}

/** What becomes of a gateway that ran. */
export interface GatewayCallbacks {
  /** It was told to leave, and has left. */
  onStopped(): void;
  /** It could not start anew, and serves nobody: its process has to end. */
  onFailed(): void;
}

/**
 * Runs a whole gateway in this process, obeying its signals.
 * @throws what `createGateway` throws, or the fault of listening
 */
export async function runGateway(variables: Variables, ends: GatewayCallbacks): Promise<RunningGateway> {
  const running = await GatewayProcess.start(variables, ends);
  handleSignals(running);
  return running.toRunningGateway();
}

/** The gateway of this process, and the next one when it was declared gone. */
class GatewayProcess {
  private draining: Promise<void> | undefined;
  private stopped: Promise<void> | undefined;
  private restarting: Promise<void> | undefined;
  /** The one that has left to make room for the next. */
  private previousGateway: NestFastifyApplication | undefined;

  private constructor(
    private readonly variables: Variables,
    private readonly callbacks: GatewayCallbacks,
    private readonly host: string,
    private gateway: NestFastifyApplication,
  ) {
    this.observe();
  }

  static async start(variables: Variables, ends: GatewayCallbacks): Promise<GatewayProcess> {
    const gateway = await createGateway({ variables });
    const { host, port } = gateway.get(GatewayConfig);
    await gateway.listen(port, host);
    return new GatewayProcess(variables, ends, host, gateway);
  }

  async toRunningGateway(): Promise<RunningGateway> {
    return {
      greeting: await createGreeting(this.gateway, this.host),
      isFirst: this.gateway.get(DataFolder).isFirstStart,
    };
  }

  reload(): void {
    void this.gateway.get(ConfigurationFile).reload();
  }

  /** Leaves for good, and says so to whoever runs this process. Later calls get the same promise. */
  stop(): Promise<void> {
    return (this.stopped ??= (this.draining = this.drainOnce()).then(() => this.callbacks.onStopped()));
  }

  private async drainOnce(): Promise<void> {
    // One that is just starting would not hear of it.
    await this.restarting;
    if (this.gateway !== this.previousGateway) await drain(this.gateway);
  }

  private observe(): void {
    warnOfExposure(this.gateway.get(ServerRegistry), this.host);
    this.gateway.get(Drain).onRequested(() => void this.stop());
    const { membership } = this.gateway.get(WorkerBusServer).node;
    const replace = () => {
      // Whoever leaves is gone for the others as well, and needs nobody in its place.
      if (!this.draining) this.restarting = this.restart();
    };
    if (membership.hasBeenBuried) replace();
    else membership.onBuried(replace);
  }

  /**
   * While this worker slept, or could not reach Redis, another one declared it gone: whatever it opened from now on
   * would be unknown to the others. A fresh worker takes its place, on the same port.
   */
  private async restart(): Promise<void> {
    logger.warn('Other workers took this one for gone: its sessions have ended, and it starts anew.');
    const { port } = this.gateway.getHttpServer().address() as { port: number };
    try {
      // What has come in while it slept is still to be answered: that its session is gone.
      await pause(RESTART_DELAY_MS);
      this.previousGateway = this.gateway;
      await drain(this.previousGateway, RESTART_DRAIN_TIMEOUT_MS);
      if (this.draining) return;
      this.gateway = await createGateway({ variables: this.variables });
      await this.gateway.listen(port, this.host);
      this.observe();
      logger.log('It has started anew.');
    } catch (cause) {
      logger.error(`Starting anew failed: ${String(cause)}`);
      this.callbacks.onFailed();
    }
  }
}

function warnOfExposure(registry: ServerRegistry, host: string): void {
  const warn = () => publicExposureWarnings(host, registry.snapshot).forEach((warning) => logger.warn(warning));
  warn();
  registry.onChange(warn);
}

async function createGreeting(gateway: NestFastifyApplication, host: string): Promise<string> {
  const { port } = gateway.getHttpServer().address() as { port: number };
  const { path: dataFolder, isFirstStart: firstStart } = gateway.get(DataFolder);
  const url = toLocalUrl(host, port);
  if (!firstStart) return laterGreeting({ url, dataFolder });
  const order = { subject: 'admin@localhost', roles: ['admin'], expiresInSeconds: FIRST_TOKEN_SECONDS };
  return firstGreeting({ url, dataFolder, token: await gateway.get(TokenIssuer).issue(order) });
}

function handleSignals(running: GatewayProcess): void {
  const leave = () => void running.stop();
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  process.on('SIGHUP', () => running.reload());
}

/** Not ready at once; calls in flight finish; what remains at the deadline is cut. */
async function drain(gateway: NestFastifyApplication, deadlineMs = DRAIN_TIMEOUT_MS): Promise<void> {
  const deadline = setTimeout(() => {
    gateway.get(Readiness).close();
    logger.warn('Calls are still in flight at the deadline; their connections are cut.');
    gateway.getHttpServer().closeAllConnections();
  }, deadlineMs);
  const closable = gateway.get(Drain).start();
  logger.log('Leaving: load balancers are told, calls in flight finish.');
  try {
    await closable;
    await gateway.close();
  } catch (cause) {
    logger.error(`Leaving failed: ${String(cause)}`);
    process.exitCode = 1;
  } finally {
    clearTimeout(deadline);
  }
}
