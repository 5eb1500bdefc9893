import { Injectable } from '@nestjs/common';
import { AddressGuard } from '#lib/address-guard';
import { Clock } from '#lib/time';
import { FailureDetails } from './failure-details.js';
import { UpstreamConfig } from './upstream.config.js';

/** What the adapters of the gateway itself share. */
@Injectable()
export class UpstreamServices {
  /** Connections that need the profile of a modern server, by whether it was cached. */
  readonly profileLookups = { hits: 0, misses: 0 };

  constructor(
    readonly config: UpstreamConfig,
    readonly clock: Clock,
    readonly guard: AddressGuard = new AddressGuard(),
    readonly details: FailureDetails = new FailureDetails(clock),
  ) {}
}
