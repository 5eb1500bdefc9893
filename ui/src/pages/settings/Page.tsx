import { Route, Switch } from 'wouter';
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
        <Export />
      </Route>
      <Route path="/settings/import">
        <Import />
      </Route>
    </Switch>
  );
}
