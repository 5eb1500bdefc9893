import { Module } from '@nestjs/common';
import { configProvider } from '#lib/config';
import { Coordination, CoordinationModule } from '../coordination/index.js';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { EventsModule } from '../events/index.js';
import { RegistryModule } from '../registry/index.js';
import { AlertStore, LocalAlertStore } from './alert-store.js';
import { Alerts } from './alerts.js';
import { AlertsConfig } from './alerts.config.js';
import { RedisAlertStore } from './redis-alert-store.js';

const alertStore = {
  provide: AlertStore,
  inject: [Coordination, DataFolder],
  useFactory: ({ redis }: Coordination, { secrets }: DataFolder) =>
    redis ? new RedisAlertStore(redis, secrets.session) : new LocalAlertStore(),
};

@Module({
  imports: [CoordinationModule, DataFolderModule, EventsModule, RegistryModule],
  providers: [configProvider(AlertsConfig), alertStore, Alerts],
  exports: [Alerts],
})
export class AlertsModule {}
