// @wordpress/core-data: the batch processor of the block editor. This is the last version that loads
// without a browser's `document`. The code of its batches is the same in 8.1.0.
import { createRequire } from "node:module";

import { address, check } from "./check.mjs";

const require = createRequire(import.meta.url);
const { default: apiFetch } = require("@wordpress/api-fetch");
const { store } = require("@wordpress/core-data");
const { dispatch, select } = require("@wordpress/data");

// The client runs in a browser, and sends requests by `window.fetch`.
globalThis.window = { fetch };
apiFetch.use(apiFetch.createRootURLMiddleware(`http://${address}/wp-json/`));

const { __experimentalBatch: batch } = dispatch(store);
const save = (post) => (actions) => actions.saveEntityRecord("postType", "post", post);
const remove = (id) => (actions) => actions.deleteEntityRecord("postType", "post", id);
const errorOf = (id) => select(store).getLastEntitySaveError("postType", "post", id);
const titles = (posts) => posts.map((post) => post?.title.raw);

const [first, second] = await batch([save({ title: "Zoë" }), save({ title: "second" })]);
check("writes", titles([first, second]), ["Zoë", "second"]);

const [changed, missing, removed] = await batch([
  save({ id: first.id, title: "changed" }),
  save({ id: 999, title: "nothing" }),
  remove(second.id),
]);
check("a change, and a deletion", [changed.title.raw, removed.deleted], ["changed", true]);
check("an item that fails", [missing, errorOf(999).code, errorOf(999).data], [
  undefined,
  "rest_post_invalid_id",
  { status: 404 },
]);
const left = await apiFetch({ path: "/wp/v2/posts" });
check("what remains", titles(left), ["changed"]);

// The client asks the batch endpoint for its limit, which is 25.
const many = [...Array(30).keys()].map(String);
check("more items than the limit, in two batches", titles(await batch(many.map((title) => save({ title })))), many);

// The client sends `require-all-validate`: an item that is not valid keeps all others from running.
const before = titles(await apiFetch({ path: "/wp/v2/posts" }));
const none = await batch([save({ title: "never" }), remove("not a URL")]);
check("an item that is not valid", none, [undefined, false]);
check("the item before it has not run", titles(await apiFetch({ path: "/wp/v2/posts" })), before);
