// dynamics-web-api: batches in the background, as Dataverse runs them.
import { DynamicsWebApi } from "dynamics-web-api";

import { address, check } from "./check.mjs";

const server = `http://${address}`;
const client = new DynamicsWebApi({
  serverUrl: server,
  dataApi: { version: "9.2" },
});
const key = (number) => `00000000-0000-0000-0000-00000000000${number}`;

async function submit(fill, options = { respondAsync: true }) {
  client.startBatch();
  fill();
  return client.executeBatch(options);
}

/** Polls until the batch has ended. While it runs, the status is that of the monitor. */
async function poll(id) {
  for (let polls = 1; ; polls++) {
    const status = await client.getBackgroundOperationStatus(id);
    if (Array.isArray(status)) return { polls, status };
    if (status.total === undefined) throw new Error(JSON.stringify(status));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const read = () => {
  client.retrieve({ collection: "contacts", key: key(1) });
  client.retrieve({ collection: "contacts", key: key(2) });
};
const now = await submit(read, {});
const later = await submit(read);
check("a batch in the background has an id and a URL", Object.keys(later).sort(), [
  "backgroundOperationId",
  "location",
]);
check("the URL", later.location, `/api/backgroundoperation/${later.backgroundOperationId}`);
const { polls, status } = await poll(later.backgroundOperationId);
check("the status is polled while the batch runs", polls > 2, true);
check("the result", status, now);

const created = await submit(() => {
  client.create({ collection: "contacts", data: { firstname: "Grace" } });
  client.create({ collection: "contacts", data: { firstname: "Mary" } });
});
check("a change set", (await poll(created.backgroundOperationId)).status, [key(1), key(2)]);

const long = await submit(() => {
  for (let number = 1; number <= 9; number++) client.create({ collection: "contacts", data: {} });
});
await new Promise((resolve) => setTimeout(resolve, 800));
await client.cancelBackgroundOperation(long.backgroundOperationId).catch((error) => error);
const gone = await client.getBackgroundOperationStatus(long.backgroundOperationId).catch((error) => error);
check("a batch that was cancelled is gone", gone.status, 404);
await new Promise((resolve) => setTimeout(resolve, 1500));
const count = await (await fetch(`${server}/api/data/v9.2/count`)).json();
check("and does not go on", count < 11, true);
