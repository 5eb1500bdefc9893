import { Injectable } from '@nestjs/common';

/** A part of the worker that does not work now. */
export interface ImpairedPart {
  readonly name: string;
  /** A sentence without secrets or addresses: probes need no token. */
  readonly reason: string;
}

/** Returns why a part does not work, or undefined while it works. Must not reject, and must be cheap: probes need no token. */
type PartCheck = () => string | undefined | Promise<string | undefined>;

/** Whether this worker accepts new work. */
@Injectable()
export class Readiness {
  private draining = false;
  private closed = false;
  private readonly parts = new Map<string, PartCheck>();

  /**
   * True while readiness probes fail. Requests that still arrive are served, over connections that close with the
   * answer.
   */
  get isDraining(): boolean {
    return this.draining;
  }

  /** True once new requests are refused. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** Returns the parts of the worker that do not work now. It still serves what does not need them. */
  async findImpaired(): Promise<readonly ImpairedPart[]> {
    const checked = await Promise.all(
      Array.from(this.parts, async ([name, check]) => ({ name, reason: await check() })),
    );
    return checked.flatMap(({ name, reason }) => (reason === undefined ? [] : [{ name, reason }]));
  }

  /** Adds a part that probes report while it does not work. */
  addPart(name: string, check: PartCheck): void {
    this.parts.set(name, check);
  }

  /** Makes readiness probes fail from now on. */
  startDraining(): void {
    this.draining = true;
  }

  /** Makes the worker refuse new requests with 503 from now on. */
  close(): void {
    this.draining = true;
    this.closed = true;
  }
}
