// Uses the page in Chromium, as a user does.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const { ADDRESS, SCREENSHOTS, CHROMIUM } = process.env;

let browser;
before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
});
after(() => browser.close());

/** Opens the page. Fails if it shows a dialog, reports an error or sends a request of its own. */
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 1100 }, ...options });
  const page = await context.newPage();
  const seen = { requests: [], troubles: [] };
  page.on("dialog", (dialog) => seen.troubles.push("dialog " + dialog.message()) && dialog.dismiss());
  page.on("pageerror", (error) => seen.troubles.push("error " + error));
  page.on("console", (message) => message.type() === "error" && seen.troubles.push(message.text()));
  page.on("request", (request) => seen.requests.push(request.method() + " " + request.url()));
  await page.goto(ADDRESS);
  assert.deepEqual(seen.requests.splice(0), ["GET " + ADDRESS]);
  return { page, seen, close: () => context.close() };
}

/** Composes the items, by the labels that a screen reader reads. */
async function compose(page, items) {
  for (let at = (await page.getByRole("group", { name: /^Item / }).count()); at < items.length; at++) {
    await page.getByRole("button", { name: "Add an item" }).click();
  }
  const groups = page.getByRole("group", { name: /^Item / });
  for (const [at, item] of items.entries()) {
    const group = groups.nth(at);
    await group.getByLabel("Id", { exact: true }).fill(item.id);
    await group.getByLabel("Method").selectOption(item.method ?? "GET");
    await group.getByLabel("URL").fill(item.url);
    await group.getByLabel("Depends on").fill((item.dependsOn ?? []).join(","));
    await group.getByLabel("Headers").fill(item.headers ?? "");
    await group.getByLabel("Body").fill(item.body ?? "");
  }
}

const ITEMS = [
  { id: "fast", url: "/" },
  { id: "slow", url: "/wait/600" },
  { id: "slower", url: "/wait/900" },
  { id: "after", url: "/wait/200", dependsOn: ["slow"] },
  { id: "missing", url: "/status/404" },
  { id: "skipped", url: "/", dependsOn: ["missing"] },
  { id: "posted", method: "POST", url: "/echo", body: '{"n":[1,2]}', headers: "x-requested-with: page" },
];

/** The rows of the table, as text. */
async function rows(page) {
  const texts = await page.locator("#rows tr").evaluateAll((all) => all.map((row) => [...row.cells].map((cell) => cell.textContent)));
  return texts.map(([id, request, , result, size]) => ({ id, request, result, size }));
}

async function ended(page) {
  await page.getByRole("status").filter({ hasText: /^Ended/ }).waitFor();
}

test("a batch is composed, streamed, and shown in the order in which items finish", async () => {
  const { page, seen, close } = await open();
  await compose(page, ITEMS);
  await page.getByRole("button", { name: "Send" }).click();
  // Streamed: some have ended while others run.
  await page.locator("#rows tr.ok").first().waitFor();
  assert.match((await rows(page))[2].result, /^waiting/);
  await page.screenshot({ path: SCREENSHOTS + "/running.png" });
  await ended(page);
  const shown = await rows(page);
  assert.deepEqual(shown.map((row) => row.id), ITEMS.map((item) => item.id));
  const results = shown.map((row) => row.result.replace(/,.*/, ""));
  assert.deepEqual(results, ["200 ok", "200 ok", "200 ok", "200 ok", "404 failed", "424 skipped", "200 ok"]);
  assert.equal(shown[6].size, "11 B");
  assert.equal(await page.getByRole("status").textContent(), "Ended with 207: 7 of 7 items, 5 ok, 1 failed, 1 skipped.");
  assert.match(await page.locator("#timing").textContent(), /of the server/);
  // The lines of the response came in the order of completion.
  const raw = (await page.locator("#raw-response").textContent()).trim().split("\n").map((line) => JSON.parse(line));
  const order = raw.filter((line) => line.id).map((line) => line.id);
  assert.deepEqual(order.slice(-3), ["slow", "after", "slower"]);
  // A bar per item: `after` begins where `slow` ends, and a line joins them.
  const bars = await page.locator("#chart rect[height='12']").evaluateAll((all) =>
    all.map((bar) => ({ kind: bar.getAttribute("class"), from: Number(bar.getAttribute("x")), to: Number(bar.getAttribute("x")) + Number(bar.getAttribute("width")) })));
  assert.deepEqual(bars.map((bar) => bar.kind), ["b-ok", "b-ok", "b-ok", "b-ok", "b-failed", "b-skipped", "b-ok"]);
  assert.ok(bars[2].to > bars[1].to && bars[3].from >= bars[1].to - 2 && bars[0].to < bars[1].to / 2, JSON.stringify(bars));
  assert.equal(await page.locator("#chart path").count(), 2);
  assert.deepEqual(seen, { requests: ["POST " + ADDRESS], troubles: [] });
  await close();
});

test("the keyboard alone sends a batch, opens an item and returns", async () => {
  const { page, seen, close } = await open();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.name), "id");
  await page.keyboard.press("Enter");
  await ended(page);
  await page.getByRole("button", { name: "first", exact: true }).focus();
  await page.keyboard.press("Enter");
  const details = page.getByRole("region", { name: "Item first: 200" });
  assert.ok(await details.evaluate((section) => section === document.activeElement));
  assert.match(await page.locator("#headers").textContent(), /^Content-Type: application\/json\n/);
  assert.equal(JSON.parse(await page.locator("#body").textContent()).name, "an API");
  await page.getByRole("button", { name: "Close" }).focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "first");
  assert.deepEqual(seen.troubles, []);
  await close();
});

test("every control has a name, and every group and table says what it is", async () => {
  const { page, close } = await open();
  await compose(page, ITEMS.slice(0, 2));
  await page.getByRole("button", { name: "Send" }).click();
  await ended(page);
  const unnamed = await page.locator("button, input, select, textarea, fieldset").evaluateAll((all) =>
    all.filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML));
  assert.deepEqual(unnamed, []);
  assert.deepEqual(await page.getByRole("columnheader").allTextContents(), ["Item", "Request", "Waiting, running", "Result", "Size"]);
  assert.ok(await page.getByRole("region", { name: "Response" }).isVisible());
  await close();
});

test("a refused batch shows why, and a stopped one that it was stopped", async () => {
  const { page, close } = await open();
  await compose(page, [{ id: "same", url: "/" }, { id: "same", url: "/" }]);
  await page.getByRole("button", { name: "Send" }).click();
  await ended(page);
  assert.match(await page.getByRole("alert").textContent(), /^Refused with 400: two items have the same id .*\(duplicate-id\)$/);
  await compose(page, [{ id: "a", url: "/wait/5000" }, { id: "b", url: "/" }]);
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator("#rows tr.ok").waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await ended(page);
  assert.match(await page.getByRole("alert").textContent(), /^Stopped/);
  assert.deepEqual((await rows(page)).map((row) => row.result.replace(/,.*/, "")), ["no response", "200 ok"]);
  await close();
});

test("the example comes from the description of the endpoint", async () => {
  const { page, seen, close } = await open();
  await page.getByRole("button", { name: "Example" }).click();
  await page.getByText("At most 100 items").waitFor();
  assert.deepEqual(seen.requests, ["GET " + ADDRESS]);
  assert.equal(await page.getByRole("group", { name: /^Item / }).count(), 3);
  await page.getByRole("button", { name: "Send" }).click();
  await ended(page);
  assert.equal((await rows(page)).length, 3);
  await close();
});

test("curl commands quote what a shell would read", async () => {
  const { page, close } = await open();
  await compose(page, [{ id: "a", method: "POST", url: "/echo?q='$(id)'", body: "it's `id`", headers: "accept: a'b" }]);
  await page.getByRole("button", { name: "Send" }).click();
  await ended(page);
  await page.getByRole("button", { name: "a", exact: true }).click();
  await page.getByRole("button", { name: "Copy this item" }).click();
  const command = await page.locator("#curl-text").textContent();
  const { execFileSync } = await import("node:child_process");
  const script = 'curl() { printf "%s\\n" "$@"; }\n' + command;
  const words = execFileSync("bash", ["-c", script], { encoding: "utf8" }).trimEnd().split("\n");
  const url = ADDRESS.replace("/batch", "/echo?q=%27$(id)%27");
  assert.deepEqual(words, ["--globoff", "-X", "POST", "--url", url, "-H", "accept: a'b", "-H", "content-type: text/plain", "--data-raw", "it's `id`"]);
  await close();
});

const HOSTILE = [
  "<script>alert(1)</script>", "<img src=/stolen onerror=alert(2)>", "</td></tr></table><script src=/stolen></script>",
  "\u202egnp.exe\u2066\u200b", "javascript:alert(3)", "{{constructor.constructor('alert(4)')()}}", "__proto__", "constructor",
  "'\"><svg onload=alert(5)>", "${alert(6)}", "</script><script>alert(7)</script>", "\ud83d\ude00".repeat(60), "&lt;b&gt;&#x3c;",
];

test("hostile bodies that a real server returns stay text", async () => {
  const { page, seen, close } = await open();
  await compose(page, HOSTILE.map((body, at) => ({ id: HOSTILE[at].slice(0, 80), method: "POST", url: "/echo", body, headers: "content-type: text/html" })));
  await page.getByRole("button", { name: "Send" }).click();
  await ended(page);
  const buttons = page.locator("#rows button");
  assert.equal(await buttons.count(), HOSTILE.length);
  for (const [at, body] of HOSTILE.entries()) {
    await buttons.nth(at).click();
    const shown = await page.locator("#body").textContent();
    assert.equal(shown.replace(/\u27e8U\+([0-9A-F]+)\u27e9/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))), body);
    assert.doesNotMatch(await page.locator("main").textContent(), /[\u202e\u2066\u200b]/);
  }
  await inert(page, seen);
  await close();
});

/** Asserts that nothing of a response has become an element, a script or a request. */
async function inert(page, seen) {
  await page.waitForTimeout(200);
  assert.deepEqual(seen, { requests: ["POST " + ADDRESS], troubles: [] });
  assert.equal(await page.locator("main script, main img, main svg svg, main iframe, main b").count(), 0);
  assert.equal(await page.evaluate(() => ({}).polluted), undefined);
}

test("a hostile server, and megabytes, stay text", async () => {
  const { page, seen, close } = await open();
  const lines = HOSTILE.map((text, at) => JSON.stringify({
    id: at % 2 ? text : { toString: text }, status: at % 3 ? text : 200, encoding: text,
    headers: { [text]: text, "Server-Timing": text, "Set-Cookie": [text, text] }, body: at % 2 ? text : { [text]: text },
  }));
  lines.push('{"id":"proto","status":200,"headers":{"__proto__":{"polluted":1}},"body":{"__proto__":{"polluted":1}}}');
  lines.push(JSON.stringify({ id: "big", status: 200, headers: {}, body: "<b>x</b>".repeat(600_000) }));
  lines.push('{"summary":{"total":1,"succeeded":1,"failed":0}}');
  await page.route(ADDRESS, (route) => route.fulfill({ status: 207, contentType: "application/x-ndjson", body: lines.join("\n") + "\n" }));
  await page.getByRole("button", { name: "Send" }).click();
  await ended(page);
  const buttons = page.locator("#rows button");
  for (let at = 0; at < (await buttons.count()); at++) await buttons.nth(at).click();
  assert.match(await page.locator("#body").textContent(), /more characters$/);
  await inert(page, seen);
  await close();
});

test("the policy stops a script that would get into the page all the same", async () => {
  const { page, seen, close } = await open();
  const policy = page.waitForEvent("console", (message) => /Content Security Policy|TrustedHTML|Trusted/i.test(message.text()));
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.append("window.hacked = true");
    document.body.append(script);
  }).catch(() => {});
  await page.evaluate(() => fetch("http://127.0.0.1:1/stolen").catch(() => {}));
  await policy;
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.ok(seen.troubles.length > 0);
  await close();
});

for (const colorScheme of ["light", "dark"]) {
  test("a screenshot in " + colorScheme, async () => {
    const { page, close } = await open({ colorScheme });
    await compose(page, ITEMS);
    await page.getByRole("button", { name: "Send" }).click();
    await ended(page);
    await page.getByRole("button", { name: "posted", exact: true }).click();
    await page.screenshot({ path: SCREENSHOTS + "/" + colorScheme + ".png", fullPage: true });
    await page.setViewportSize({ width: 420, height: 900 });
    await page.screenshot({ path: SCREENSHOTS + "/" + colorScheme + "-narrow.png", fullPage: true });
    await close();
  });
}
