import { Route, Switch } from 'wouter';
import { ApprovalList } from './ApprovalList.js';
import { ParkedCallDetails } from './ParkedCallDetails.js';
import { ParkedCallList } from './ParkedCallList.js';
import { SessionDetails } from './SessionDetails.js';
import { SessionList } from './SessionList.js';
import { useFreshLists } from './session-queries.js';
import { WorkerList } from './WorkerList.js';

export function Page() {
  useFreshLists();
  return (
    <Switch>
      <Route path="/sessions">
        <SessionList />
      </Route>
      <Route path="/sessions/parked-calls">
        <ParkedCallList />
      </Route>
      <Route<{ id: string }> path="/sessions/parked-calls/:id">{({ id }) => <ParkedCallDetails id={id} />}</Route>
      <Route path="/sessions/approvals">
        <ApprovalList />
      </Route>
      <Route path="/sessions/workers">
        <WorkerList />
      </Route>
      <Route<{ id: string }> path="/sessions/:id">{({ id }) => <SessionDetails id={id} />}</Route>
    </Switch>
  );
}
