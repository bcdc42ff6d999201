// @microsoft/microsoft-graph-client: BatchRequestContent and BatchResponseContent.
import { BatchRequestContent, BatchResponseContent, Client } from "@microsoft/microsoft-graph-client";

import { address, check } from "./check.mjs";

const client = Client.init({
  baseUrl: `http://${address}/`,
  defaultVersion: "v1.0",
  authProvider: (done) => done(null, "token"),
});

async function send(...steps) {
  const content = new BatchRequestContent(steps);
  return new BatchResponseContent(await client.api("/$batch").post(await content.getContent()));
}

/** The client sends only the path, with or without the version. */
function step(id, method, path, { body, dependsOn } = {}) {
  const headers = body && { "Content-Type": "application/json" };
  const request = new Request(`https://graph.microsoft.com${path}`, { method, headers, body: JSON.stringify(body) });
  return { id, request, dependsOn };
}

{
  const responses = await send(
    step("1", "GET", "/me"),
    step("2", "POST", "/v1.0/me/messages", { body: { subject: "hello Zoë" } }),
    step("3", "GET", "/me/nothing"),
    step("4", "PATCH", "/me", { body: { jobTitle: "Countess" } }),
    step("5", "GET", "/me/photo/$value"),
  );
  const [me, message, nothing, changed, photo] = ["1", "2", "3", "4", "5"].map((id) => responses.getResponseById(id));
  check("a read", [me.status, (await me.json()).displayName], [200, "Ada Lovelace"]);
  check("a write, and a URL with the version", [message.status, await message.json()], [
    201,
    { id: "m1", subject: "hello Zoë" },
  ]);
  check("an item that fails", [nothing.status, (await nothing.json()).error.code], [404, "NotFound"]);
  check("a change, whose response has no body", [changed.status, await changed.text()], [204, ""]);
  check("an image, in base64", Buffer.from(await photo.text(), "base64").subarray(1, 4).toString(), "PNG");
}

{
  const responses = await send(
    step("a", "GET", "/me"),
    step("b", "DELETE", "/me/messages/none", { dependsOn: ["a"] }),
    step("c", "POST", "/me/messages", { body: { subject: "never" }, dependsOn: ["b"] }),
  );
  const statuses = ["a", "b", "c"].map((id) => responses.getResponseById(id).status);
  check("a chain, broken in the middle", statuses, [200, 404, 424]);
  const lost = await responses.getResponseById("c").json();
  check("the reason why the last item did not run", lost.error.code, "failed-dependency");
  const messages = await client.api("/me/messages").get();
  check("items that depend on it have not run", messages.value.map((it) => it.subject), ["hello Zoë"]);
}
