/** The MCP `Implementation` that the gateway sends to clients and servers. The version equals that of package.json. */
export const PRODUCT = { name: 'isthmus', version: '0.1.0' };
