import assert from "node:assert/strict";

/** Asserts the result of a client, and prints a line. */
export function check(what, got, expected) {
  assert.deepEqual(got, expected, what);
  console.log(`  ${what}`);
}

/** The address of the example, passed by `tests/clients/run`. */
export const address = process.argv[2];
