import { Route, Switch } from 'wouter';
import { Permitted } from '../../session/index.js';
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
        <Permitted operation="POST /servers">
          <AddServer />
        </Permitted>
      </Route>
      <Route path="/servers/-/import">
        <Permitted operation="POST /openapi-imports">
          <ImportOpenApi />
        </Permitted>
      </Route>
      <Route path="/servers/-/import/server-json">
        <Permitted operation="POST /server-json-imports">
          <ImportServerJson />
        </Permitted>
      </Route>
      <Route<{ slug: string }> path="/servers/:slug/edit">
        {({ slug }) => (
          <Permitted operation="PUT /servers/{slug}">
            <EditServer slug={slug} />
          </Permitted>
        )}
      </Route>
      <Route<{ slug: string }> path="/servers/:slug">{({ slug }) => <ServerDetails slug={slug} />}</Route>
    </Switch>
  );
}
