// Opens the reference page in a headless Chromium, and says what it complains of, which hosts it asks, and which operations of the
// OpenAPI document it shows. The findings are printed as one JSON object.
import { chromium } from "playwright-core";

const base = process.env.SIGNALBOX_URL;
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const context = await chromium.launchPersistentContext(process.env.PROFILE, {
  executablePath: process.env.CHROMIUM,
  headless: true,
  args,
  viewport: { width: 1400, height: 1000 },
});
const report = { title: "", errors: [], hosts: [], requests: [], missing: [], shown: [] };
try {
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) report.errors.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => report.errors.push(`uncaught: ${error.message}`));
  page.on("requestfailed", (request) => report.errors.push(`request failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("response", (response) => {
    if (response.status() >= 400) report.errors.push(`${response.status()} for ${response.url()}`);
  });
  page.on("request", (request) => report.requests.push(request.url()));

  const document = await (await fetch(`${base}/openapi.json`)).json();
  const summaries = Object.values(document.paths)
    .flatMap((path) => Object.values(path))
    .map((operation) => operation.summary)
    .filter(Boolean);

  await page.goto(`${base}/docs`, { waitUntil: "networkidle" });
  await page.getByText(summaries[0], { exact: false }).first().waitFor({ timeout: 20_000 });
  report.title = await page.title();
  await page.screenshot({ path: process.env.SCREENSHOT });

  // Groups of the sidebar and of the page open when they are asked for: what is looked at here is all that the page holds.
  for (const group of document.tags ?? []) {
    const button = page.getByRole("button", { name: new RegExp(`(open|show).*${group.name}`, "i") }).first();
    if (await button.isVisible().catch(() => false)) await button.click();
  }
  const text = (await page.locator("body").textContent()) ?? "";
  for (const summary of summaries) (text.includes(summary) ? report.shown : report.missing).push(summary);
} finally {
  await context.close();
}
report.hosts = [...new Set(report.requests.filter((url) => !/^(data|blob):/.test(url)).map((url) => new URL(url).host))];
console.log(JSON.stringify(report));
