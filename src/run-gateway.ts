import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Variables } from '#lib/config';
import { WorkerBusServer } from '#lib/worker-bus';
import { TokenIssuer } from './auth/index.js';
import { createGateway, type GatewayOptions } from './create-gateway.js';
import { DataFolder } from './data-folder/index.js';
import { Drain } from './drain/index.js';
import { findFirstCall } from './first-call.js';
import type { GatewayLogger } from './gateway-logger.js';
import { GatewayConfig } from './gateway.config.js';
import { firstGreeting, laterGreeting, urlOf } from './greeting.js';
import { Readiness } from './health/index.js';
import { ConfigurationFile, publicExposureWarnings, ServerRegistry } from './registry/index.js';

const FIRST_TOKEN_SECONDS = 30 * 24 * 60 * 60;
/** Calls in flight have so long to finish when the gateway is told to leave. */
const DRAIN_DEADLINE_MS = 25_000;
/** A worker that starts anew has none that its client still waits for, as a rule: it was silent for seconds. */
const RENEWAL_DEADLINE_MS = 2_000;
const RENEWAL_GRACE_MS = 500;

const logger = new Logger('Gateway');

/** A gateway that listens. */
export interface RunningGateway {
  /** For the person who started it; empty when it was told to leave before it could greet. */
  readonly greeting: string;
  /** The greeting has a token, as the secrets were drawn by this very start. */
  readonly isFirst: boolean;
}

/** What becomes of a gateway that ran. */
export interface GatewayEnds {
  /** It was told to leave, and has left. */
  onLeft(): void;
  /** It could not start anew, and serves nobody: its process has to end. */
  onLost(): void;
}

/**
 * Runs a whole gateway in this process, obeying its signals.
 * @throws what `createGateway` throws, or the fault of listening
 */
export async function runGateway(variables: Variables, ends: GatewayEnds, log: GatewayLogger): Promise<RunningGateway> {
  const running = await GatewayProcess.start({ variables, logger: log }, ends);
  obeySignals(running);
  return running.introduce();
}

/** The gateway of this process, and the next one when it was declared gone. */
class GatewayProcess {
  private leaving: Promise<void> | undefined;
  private left: Promise<void> | undefined;
  private renewal: Promise<void> | undefined;
  /** The one that has left to make room for the next. */
  private former: NestFastifyApplication | undefined;
  private readonly introduction = new AbortController();

  private constructor(
    private readonly options: GatewayOptions,
    private readonly ends: GatewayEnds,
    private readonly host: string,
    private gateway: NestFastifyApplication,
  ) {
    this.attend();
  }

  static async start(options: GatewayOptions, ends: GatewayEnds): Promise<GatewayProcess> {
    const gateway = await createGateway(options);
    const { host, port } = gateway.get(GatewayConfig);
    await gateway.listen(port, host);
    return new GatewayProcess(options, ends, host, gateway);
  }

  async introduce(): Promise<RunningGateway> {
    const text = await greeting(this.gateway, this.host, this.introduction.signal);
    return { greeting: this.leaving ? '' : text, isFirst: this.gateway.get(DataFolder).firstStart };
  }

  reload(): void {
    void this.gateway.get(ConfigurationFile).reload();
  }

  /** Leaves for good, and says so to whoever runs this process. Later calls get the same promise. */
  leave(): Promise<void> {
    return (this.left ??= (this.leaving = this.leaveOnce()).then(() => this.ends.onLeft()));
  }

  private async leaveOnce(): Promise<void> {
    this.introduction.abort();
    // One that is just starting would not hear of it.
    await this.renewal;
    if (this.gateway !== this.former) await drain(this.gateway);
  }

  private attend(): void {
    warnOfExposure(this.gateway.get(ServerRegistry), this.host);
    this.gateway.get(Drain).onRequested(() => void this.leave());
    const { membership } = this.gateway.get(WorkerBusServer).node;
    const replace = () => {
      // Whoever leaves is gone for the others as well, and needs nobody in its place.
      if (!this.leaving) this.renewal = this.renew();
    };
    if (membership.hasBeenBuried) replace();
    else membership.onBuried(replace);
  }

  /**
   * While this worker slept, or could not reach Redis, another one declared it gone: whatever it opened from now on
   * would be unknown to the others. A fresh worker takes its place, on the same port.
   */
  private async renew(): Promise<void> {
    logger.warn('Other workers took this one for gone: its sessions have ended, and it starts anew.');
    const { port } = this.gateway.getHttpServer().address() as { port: number };
    try {
      // What has come in while it slept is still to be answered: that its session is gone.
      await pause(RENEWAL_GRACE_MS);
      this.former = this.gateway;
      await drain(this.former, RENEWAL_DEADLINE_MS);
      if (this.leaving) return;
      this.gateway = await createGateway(this.options);
      await this.gateway.listen(port, this.host);
      this.attend();
      logger.log('It has started anew.');
    } catch (cause) {
      logger.error(`Starting anew failed: ${String(cause)}`);
      this.ends.onLost();
    }
  }
}

function warnOfExposure(registry: ServerRegistry, host: string): void {
  const warn = () => publicExposureWarnings(host, registry.snapshot).forEach((warning) => logger.warn(warning));
  warn();
  registry.onChange(warn);
}

/** The first one waits until the call in it can be served. */
async function greeting(gateway: NestFastifyApplication, host: string, signal: AbortSignal): Promise<string> {
  const { port } = gateway.getHttpServer().address() as { port: number };
  const { path: dataFolder, firstStart } = gateway.get(DataFolder);
  const url = urlOf(host, port);
  if (!firstStart) return laterGreeting({ url, dataFolder });
  const tokenOf = (role: string) =>
    gateway
      .get(TokenIssuer)
      .issue({ subject: `${role}@localhost`, roles: [role], expiresInSeconds: FIRST_TOKEN_SECONDS });
  const userToken = await tokenOf('user');
  const call = await findFirstCall(url, userToken, signal);
  // Unlike its type says, it is missing where there is no terminal.
  const { isTTY = false } = process.stdout as { isTTY?: boolean };
  return firstGreeting({ url, dataFolder, userToken, call, ...(isTTY && { adminToken: await tokenOf('admin') }) });
}

function obeySignals(running: GatewayProcess): void {
  const leave = () => void running.leave();
  process.on('SIGTERM', leave);
  process.on('SIGINT', leave);
  process.on('SIGHUP', () => running.reload());
}

/** Not ready at once; calls in flight finish; what remains at the deadline is cut. */
async function drain(gateway: NestFastifyApplication, deadlineMs = DRAIN_DEADLINE_MS): Promise<void> {
  const deadline = setTimeout(() => {
    gateway.get(Readiness).close();
    logger.warn('Calls are still in flight at the deadline; their connections are cut.');
    gateway.getHttpServer().closeAllConnections();
  }, deadlineMs);
  const closable = gateway.get(Drain).leave();
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
