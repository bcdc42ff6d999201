// parse (the Parse JavaScript SDK): saveAll and destroyAll.
import Parse from "parse/node";

import { address, check } from "./check.mjs";

Parse.initialize("application", "key");
Parse.serverURL = `http://${address}/parse`;
const Game = Parse.Object.extend("Game");

async function scores() {
  const response = await fetch(`${Parse.serverURL}/classes/Game`);
  const { results } = await response.json();
  return results.map((game) => game.score).sort((a, b) => a - b);
}

const [first, second] = await Parse.Object.saveAll([new Game({ player: "Zoë", score: 1 }), new Game({ score: 2 })]);
check("writes", [first.isNew(), first.id !== second.id, await scores()], [false, true, [1, 2]]);

{
  const wrong = new Game({ score: "many" });
  const good = new Game({ score: 4 });
  first.set("score", 3);
  const failure = await Parse.Object.saveAll([first, wrong, good]).catch((error) => error);
  check("an item that fails", [failure.code, failure.message], [
    111,
    "schema mismatch for score; expected Number but got String",
  ]);
  check("the items beside it", [first.dirty(), wrong.isNew(), good.isNew(), await scores()], [
    false,
    true,
    false,
    [2, 3, 4],
  ]);
}

{
  const none = Game.createWithoutData("none");
  const failure = await Parse.Object.destroyAll([first, none, second]).catch((error) => error);
  check("a deletion that fails", [failure.code, failure.errors.map((it) => [it.code, it.message, it.object.id])], [
    Parse.Error.AGGREGATE_ERROR,
    [[Parse.Error.OBJECT_NOT_FOUND, "Object not found.", "none"]],
  ]);
  check("the deletions beside it", await scores(), [4]);
}

{
  const many = [...Array(50).keys()].map((score) => new Game({ score }));
  await Parse.Object.saveAll(many);
  check("three batches", many.filter((game) => game.id).length, 50);
}

{
  // The layer has no transactions.
  const pair = [new Game({ score: 100 }), new Game({ score: 101 })];
  const failures = await Parse.Object.saveAll(pair, { transaction: true }).catch((errors) => errors);
  check("a transaction is refused", failures.map((it) => it instanceof Parse.Error), [true, true]);
  check("none of its items has run", (await scores()).includes(100), false);
}
