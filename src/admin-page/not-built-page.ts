/** What a browser shows when the gateway was built without its admin page. */
export const NOT_BUILT_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Isthmus: the admin page is not built</title></head>
<body>
<h1>The admin page is not built</h1>
<p>The gateway runs, but the folder <code>dist/ui</code> is missing. In the folder of the gateway, run:</p>
<pre>npm run build</pre>
<p>Then restart the gateway.</p>
<p>The admin API works without the page: <a href="../v1/docs">documentation of the admin API</a>.</p>
</body>
</html>
`;
