// @odata/client: JSON batches of OData 4.01, and multipart ones.
import { OData } from "@odata/client";

import { address, check } from "./check.mjs";

const client = OData.New4({ serviceEndpoint: `http://${address}/odata4/` });
const item = (request) => client.newBatchRequest({ collection: "Products", ...request });
const tea = client.newParam().filter(client.newFilter().field("Name").eqString("Tea"));

{
  const [read, made, changed, missing, never, deleted] = await client.execBatchRequestsJson([
    item({ params: tea }),
    item({ method: "POST", requestId: "new", entity: { Id: "oats", Name: "Oats" } }),
    item({ collection: "$new", method: "PATCH", dependsOn: ["new"], entity: { Name: "Rolled oats" } }),
    item({ id: "missing", requestId: "gone" }),
    item({ id: "coffee", dependsOn: ["gone"] }),
    item({ id: "coffee", method: "DELETE" }),
  ]);
  check("JSON: a query with spaces in its URL", [read.status, await read.json()], [
    200,
    { value: [{ Id: "tea", Name: "Tea" }] },
  ]);
  check("JSON: a write", [made.status, made.headers["Location"]], [201, "/odata4/Products('oats')"]);
  check("JSON: a change of the new product, by reference", changed.status, 204);
  check("JSON: an item that fails", [missing.status, (await missing.json()).error.message], [404, "no such product"]);
  check("JSON: an item that depends on it", never.status, 424);
  check("JSON: a deletion", [deleted.status, await deleted.json()], [204, null]);
  check("JSON: the reference has changed the right one", await client.getEntitySet("Products").retrieve("oats"), {
    Id: "oats",
    Name: "Rolled oats",
  });
}

{
  const [read, made, changed, missing, deleted] = await client.execBatchRequests([
    item({ id: "tea" }),
    item({ method: "POST", entity: { Id: "figs", Name: "Figs" } }),
    item({ id: "figs", method: "PATCH", entity: { Name: "Dried figs" } }),
    item({ id: "missing" }),
    item({ id: "tea", method: "DELETE" }),
  ]);
  check("multipart: a read", [read.status, await read.json()], [200, { Id: "tea", Name: "Tea" }]);
  check("multipart: a write, in a change set", [made.status, await made.json()], [201, { Id: "figs", Name: "Figs" }]);
  check("multipart: a change", changed.status, 204);
  check("multipart: an item that fails", missing.status, 404);
  check("multipart: the item after it", deleted.status, 204);
}
