/** The documentation page and its script, both served unchanged. */
export const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Isthmus admin API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="docs/swagger-ui.css" />
    <style>
      body { margin: 0; font-family: system-ui, sans-serif; color: #1d2b36; }
      form { display: flex; flex-wrap: wrap; gap: 0.75rem; align-items: center; padding: 1rem 1.5rem; background: #10222e; color: #fff; }
      label { flex: 1 1 24rem; display: flex; gap: 0.75rem; align-items: center; }
      input { flex: 1; padding: 0.5rem 0.75rem; border: 0; border-radius: 4px; font: inherit; }
      button { padding: 0.5rem 1.25rem; border: 0; border-radius: 4px; font: inherit; font-weight: 600; background: #2ec4b6; color: #10222e; cursor: pointer; }
      p { margin: 0; flex-basis: 100%; min-height: 1.2em; }
      .hint { padding: 1.5rem; max-width: 46rem; line-height: 1.5; }
      .hint code { background: #eef3f6; padding: 0.1em 0.3em; border-radius: 3px; }
      .swagger-ui .scheme-container { display: none; }
    </style>
  </head>
  <body>
    <form id="login">
      <strong>Isthmus admin API</strong>
      <label>Token <input id="token" type="password" autocomplete="off" required /></label>
      <button>Open</button>
      <p id="status" role="status"></p>
    </form>
    <div id="ui">
      <div class="hint">
        Enter a token with one of the roles <code>admin</code>, <code>operator</code>, <code>auditor</code> or
        <code>user</code>. To issue one on the machine of the gateway, run
        <code>npm run --silent token -- --subject me --role admin</code>. The token is not stored outside this page.
      </div>
    </div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/page.js"></script>
  </body>
</html>
`;

export const SCRIPT = `const statusLine = document.getElementById('status');
document.getElementById('login').addEventListener('submit', async (event) => {
  event.preventDefault();
  const authorization = 'Bearer ' + document.getElementById('token').value.trim();
  const response = await fetch('openapi.json', { headers: { authorization } }).catch(() => undefined);
  const spec = await response?.json().catch(() => undefined);
  if (!response?.ok || !spec) {
    statusLine.textContent = spec?.detail ?? 'The gateway does not respond.';
    return;
  }
  statusLine.textContent = '';
  SwaggerUIBundle({
    spec,
    domNode: document.getElementById('ui'),
    docExpansion: 'none',
    requestInterceptor: (request) => ({ ...request, headers: { ...request.headers, authorization } }),
  });
});
`;
