import { Route, Switch } from 'wouter';
import { EndpointDetails } from './EndpointDetails.js';
import { AddEndpoint, EditEndpoint } from './EndpointEditor.js';
import { EndpointList } from './EndpointList.js';

export function Page() {
  return (
    <Switch>
      <Route path="/endpoints">
        <EndpointList />
      </Route>
      <Route path="/endpoints/new">
        <AddEndpoint />
      </Route>
      <Route<{ slug: string }> path="/endpoints/:slug/edit">{({ slug }) => <EditEndpoint slug={slug} />}</Route>
      <Route<{ slug: string }> path="/endpoints/:slug">{({ slug }) => <EndpointDetails slug={slug} />}</Route>
    </Switch>
  );
}
