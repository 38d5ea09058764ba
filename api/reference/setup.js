// Shows /openapi.json. Everything that would ask another server for something is off; the page's Content-Security-Policy
// refuses it as well.
Scalar.createApiReference('#reference', {
  url: '/openapi.json',
  withDefaultFonts: false,
  telemetry: false,
  hideClientButton: true,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
})
