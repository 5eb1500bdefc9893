import { Route, Switch } from 'wouter';
import { AddServer } from './AddServer.js';
import { EditServer } from './EditServer.js';
import { ImportOpenApi } from './ImportOpenApi.js';
import { ImportServerJson } from './ImportServerJson.js';
import { ServerDetails } from './ServerDetails.js';
import { ServerList } from './ServerList.js';

export function Page() {
  return (
    <Switch>
      <Route path="/servers">
        <ServerList />
      </Route>
      <Route path="/servers/-/new">
        <AddServer />
      </Route>
      <Route path="/servers/-/import">
        <ImportOpenApi />
      </Route>
      <Route path="/servers/-/import/server-json">
        <ImportServerJson />
      </Route>
      <Route<{ slug: string }> path="/servers/:slug/edit">{({ slug }) => <EditServer slug={slug} />}</Route>
      <Route<{ slug: string }> path="/servers/:slug">{({ slug }) => <ServerDetails slug={slug} />}</Route>
    </Switch>
  );
}
