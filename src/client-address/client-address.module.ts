import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { ClientAddressConfig } from './client-address.config.js';
import { ClientAddresses } from './client-addresses.js';

@Module({
  providers: [configProvider(ClientAddressConfig), ClientAddresses],
  exports: [ClientAddresses],
})
export class ClientAddressModule {}
