import { Route, Switch } from 'wouter';
import { ConnectionDetails } from './ConnectionDetails.js';
import { ConnectionList } from './ConnectionList.js';

export function Page() {
  return (
    <Switch>
      <Route path="/connections">
        <ConnectionList />
      </Route>
      <Route<{ id: string }> path="/connections/:id">{({ id }) => <ConnectionDetails id={id} />}</Route>
    </Switch>
  );
}
