import type { IncomingHttpHeaders } from 'undici/types/header.js';
import type { Dispatcher } from 'undici';
import type { HttpExchange } from './http-exchange.js';

const UNAUTHORIZED = 401;
const REFUSED = new Error('refused');

interface Refusal {
  readonly controller: Dispatcher.DispatchController;
  readonly headers: IncomingHttpHeaders;
  readonly statusText: string | undefined;
}

/** Passes everything to the exchange, except an answer that refuses the credentials of a request that may be sent again. */
export class RefusedCredentials implements Dispatcher.DispatchHandler {
  private isRefused = false;
  private refusal: Refusal | undefined;

  constructor(
    private readonly exchange: HttpExchange,
    /** Called once when the server has refused the credentials. */
    private readonly onRefusal: () => void,
    /** False: the exchange receives the refusal as its answer. */
    private readonly maySendAgain = true,
  ) {}

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.exchange.onRequestStart(controller);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText?: string,
  ): void {
    if (status !== UNAUTHORIZED) return this.exchange.onResponseStart(controller, status, headers, statusText);
    if (!this.maySendAgain) {
      this.exchange.onResponseStart(controller, status, headers, statusText);
      return this.onRefusal();
    }
    this.isRefused = true;
    this.refusal = { controller, headers: { ...headers, 'content-encoding': undefined }, statusText };
    const isNeeded = this.exchange.restart();
    controller.abort(REFUSED);
    if (isNeeded) this.onRefusal();
  }

  /** Passes the refusal to the exchange after all, without its body. */
  passRefusal(): void {
    if (this.exchange.hasEnded || !this.refusal) return;
    const { controller, headers, statusText } = this.refusal;
    this.exchange.onResponseStart(controller, UNAUTHORIZED, headers, statusText);
    this.exchange.onResponseEnd();
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.isRefused) this.exchange.onResponseData(controller, chunk);
  }

  onResponseEnd(): void {
    if (!this.isRefused) this.exchange.onResponseEnd();
  }

  onResponseError(controller: Dispatcher.DispatchController | null, error: Error): void {
    if (!this.isRefused) this.exchange.onResponseError(controller, error);
  }
}
