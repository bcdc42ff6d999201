// jsforce: batches of Salesforce, by `chatter.batch` and by hand.
import jsforce from "jsforce";

import { address, check } from "./check.mjs";

const connection = new jsforce.Connection({
  instanceUrl: `http://${address}`,
  accessToken: "token",
  version: "60.0",
});
const { chatter } = connection;
const ACCOUNTS = "/v60.0/sobjects/Account";

/** Returns the result of each item, or the error codes with which the client rejects it. */
async function send(...items) {
  const requests = items.map(([method, url, body]) => chatter.request({ method, url: ACCOUNTS + url, body }));
  const response = await chatter.batch(requests);
  const codes = (errors) => errors.map((it) => it.errorCode);
  return [response.hasErrors, await Promise.all(requests.map((it) => it.promise().catch(codes)))];
}

const [, [{ id }, { id: other }]] = await send(["POST", "", { Name: "Zoë" }], ["POST", "", { Name: "Acme" }]);
check(
  "a change, a read of it, and a deletion",
  await send(["PATCH", `/${id}`, { Name: "Zoë & co" }], ["GET", `/${id}`], ["DELETE", `/${other}`]),
  [false, [null, { Id: id, Name: "Zoë & co" }, null]],
);
check(
  "items that fail, and one between them",
  await send(["GET", `/${other}`], ["GET", `/${id}`], ["POST", "", {}]),
  [true, [["NOT_FOUND"], { Id: id, Name: "Zoë & co" }, ["REQUIRED_FIELD_MISSING"]]],
);

// The client has no method for `composite/batch`, only for what the batch contains.
const batch = (haltOnError) =>
  connection.requestPost("/composite/batch", {
    haltOnError,
    batchRequests: [
      { method: "GET", url: `v60.0/sobjects/Account/${id}` },
      { method: "POST", url: "v60.0/sobjects/Account", richInput: {} },
      { method: "DELETE", url: `v60.0/sobjects/Account/${id}` },
    ],
  });
const outcome = ({ hasErrors, results }) => [
  hasErrors,
  results.map((it) => [it.statusCode, it.result?.[0]?.errorCode]),
];
check("the batch halts at the first error", outcome(await batch(true)), [
  true,
  [
    [200, undefined],
    [400, "REQUIRED_FIELD_MISSING"],
    [412, "BATCH_PROCESSING_HALTED"],
  ],
]);
check("the batch does not halt", outcome(await batch(false)), [
  true,
  [
    [200, undefined],
    [400, "REQUIRED_FIELD_MISSING"],
    [204, undefined],
  ],
]);
