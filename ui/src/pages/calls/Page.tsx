import { Route, Switch } from 'wouter';
import { AuditList } from './AuditList.js';
import { CallList } from './CallList.js';
import { RecordDetails } from './RecordDetails.js';

export function Page() {
  return (
    <Switch>
      <Route path="/calls">
        <CallList />
      </Route>
      <Route path="/calls/audit">
        <AuditList />
      </Route>
      <Route<{ id: string }> path="/calls/:id">{({ id }) => <RecordDetails id={id} />}</Route>
    </Switch>
  );
}
