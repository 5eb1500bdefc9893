import { IncomingMessage, ServerResponse } from 'node:http';

/**
 * A request that answers `Expect: 100-continue` when its body is first read. Node answers before the request is handled, so
 * that a client would send a body that is refused then (RFC 9110, 10.1.1).
 */
export class DeferredContinueRequest extends IncomingMessage {
  private sendContinue: (() => void) | undefined;

  /** Runs once, before the first byte of the body is read. */
  beforeBody(sendContinue: () => void): void {
    this.sendContinue = sendContinue;
  }

  override _read(size: number): void {
    if (this.sendContinue !== undefined) {
      const { sendContinue } = this;
      this.sendContinue = undefined;
      sendContinue();
    }
    super._read(size);
  }
}

/** The response to a `DeferredContinueRequest`. */
export class DeferredContinueResponse<
  Request extends IncomingMessage = IncomingMessage,
> extends ServerResponse<Request> {
  /** Called by Node before the request is handled. */
  override writeContinue(callback?: () => void): void {
    const request: IncomingMessage = this.req;
    if (!(request instanceof DeferredContinueRequest)) return super.writeContinue(callback);
    return request.beforeBody(() => {
      // After the final status, the rest of the body is only discarded.
      if (!this.headersSent && !this.destroyed) super.writeContinue(callback);
    });
  }
}
