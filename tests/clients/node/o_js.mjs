// o.js (`odata` in the registry): multipart batches with absolute URLs.
import { o } from "odata";

import { address, check } from "./check.mjs";

const batch = (useChangset) => ({
  boundaryPrefix: "batch_",
  changsetBoundaryPrefix: "changeset_",
  endpoint: "$batch",
  headers: new Headers(),
  useChangset,
  useRelativeURLs: false,
});
const service = (useChangset) => o(`http://${address}/odata4/`, { batch: batch(useChangset) });

check(
  "reads, and one that fails",
  await service(false).get("Products('tea')").get("Products('missing')").batch(),
  [
    { contentId: 1, status: 200, body: { Id: "tea", Name: "Tea" } },
    { contentId: 2, status: 404, body: { error: { code: "404", message: "no such product" } } },
  ],
);
check(
  "a change set of two",
  await service(true)
    .post("Products", { Id: "nuts", Name: "Nuts" })
    .patch("Products('nuts')", { Name: "Hazelnuts" })
    .batch(),
  [
    { contentId: 1, status: 201, body: { Id: "nuts", Name: "Nuts" } },
    { contentId: 2, status: 204, body: undefined },
  ],
);
check("the result", await service(false).get("Products('nuts')").query(), { Id: "nuts", Name: "Hazelnuts" });
