import { Route, Switch } from 'wouter';
import { Permitted } from '../../session/index.js';
import { Export } from './Export.js';
import { Import } from './Import.js';
import { SettingList } from './SettingList.js';

export function Page() {
  return (
    <Switch>
      <Route path="/settings">
        <SettingList />
      </Route>
      <Route path="/settings/export">
        <Permitted operation="GET /export">
          <Export />
        </Permitted>
      </Route>
      <Route path="/settings/import">
        <Permitted operation="POST /import">
          <Import />
        </Permitted>
      </Route>
    </Switch>
  );
}
