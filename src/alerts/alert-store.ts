import type { Alert } from './alert.js';

/** Maximum number of alerts that are kept. The oldest are deleted. */
export const MAX_ALERTS = 200;

/** Keeps recent alerts, and lets one worker raise each. Every method of a shared store rejects with RedisFault. */
export abstract class AlertStore {
  /** Returns true for the first worker that claims the occurrence within `quietMs` milliseconds. */
  abstract claim(occurrence: string, quietMs: number): Promise<boolean>;
  /** Stores an alert, or replaces the one of the same id. */
  abstract save(alert: Alert): Promise<void>;
  /** Returns the recent alerts, latest first. */
  abstract list(): Promise<readonly Alert[]>;
}

/** For a single worker. */
export class LocalAlertStore extends AlertStore {
  private alerts: readonly Alert[] = [];

  /** The worker itself ignores what is no news, and there is no other one. */
  override async claim(): Promise<boolean> {
    return true;
  }

  override async save(alert: Alert): Promise<void> {
    const others = this.alerts.filter(({ id }) => id !== alert.id);
    this.alerts = [alert, ...others].toSorted((one, other) => other.at - one.at).slice(0, MAX_ALERTS);
  }

  override async list(): Promise<readonly Alert[]> {
    return this.alerts;
  }
}
