import assert from "node:assert/strict";

/** Asserts that a client got what it should, and prints a line. */
export function check(what, got, expected) {
  assert.deepEqual(got, expected, what);
  console.log(`  ${what}`);
}

/** Where the example listens, as `tests/clients/run` says it. */
export const address = process.argv[2];
