import { Module } from '@nestjs/common';
import { DataFolder, DataFolderModule } from '../data-folder/index.js';
import { SessionPoolModule } from '../session-pool/index.js';
import { SubscriptionsModule } from '../subscriptions/index.js';
import { Incarnation, SessionIds } from './session-ids.js';
import { SessionRouter } from './session-router.js';

const sessionIds = {
  provide: SessionIds,
  inject: [DataFolder, Incarnation],
  useFactory: (folder: DataFolder, me: Incarnation) => new SessionIds(folder.secrets.session, me),
};

@Module({
  imports: [DataFolderModule, SessionPoolModule, SubscriptionsModule],
  providers: [Incarnation, sessionIds, SessionRouter],
  exports: [Incarnation, SessionRouter],
})
export class AffinityModule {}
