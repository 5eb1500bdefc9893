import { Injectable } from '@nestjs/common';

/** Whether this worker accepts new work. */
@Injectable()
export class Readiness {
  private draining = false;
  private closed = false;
  private readonly parts = new Map<string, () => boolean>();

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

  /** Parts of the worker that do not work now. It still serves what does not need them. */
  get impairedParts(): readonly string[] {
    return Array.from(this.parts).flatMap(([name, isWorking]) => (isWorking() ? [] : [name]));
  }

  /** Adds a part that probes report while it does not work. */
  addPart(name: string, isWorking: () => boolean): void {
    this.parts.set(name, isWorking);
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
