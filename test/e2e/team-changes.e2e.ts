/** A client with an open stream is notified of exactly what it may see while it joins and leaves a team. */
import { describe } from '@jest/globals';
import { startGateway } from '../support/gateway.js';
import { describeTeamChanges } from '../support/team-changes.js';

describe('team changes at one worker', () => {
  describeTeamChanges(async (setup) => {
    const gateway = await startGateway(setup);
    return { ...gateway, configure: (now) => gateway.reload(JSON.stringify(now)) };
  });
});
