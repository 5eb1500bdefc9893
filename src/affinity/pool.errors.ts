import { GatewayError } from '#lib/extension-kit';
import { NOT_HELD } from '../session-pool/index.js';

/** 503: the worker that is asked does not have the connection, or no more. Nothing has run. */
export class ConnectionNotHeld extends GatewayError {
  constructor() {
    const { code, message, data } = NOT_HELD.error;
    super(code, message, 503, data);
  }
}
