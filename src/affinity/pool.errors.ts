import { GatewayError } from '#lib/extension-kit';
import { NOT_HELD } from '../session-pool/index.js';

/** 503: the worker does not hold the connection (any more). Nothing has run. */
export class ConnectionNotHeld extends GatewayError {
  constructor() {
    const { code, message, data } = NOT_HELD.error;
    super(code, message, 503, data);
  }
}
