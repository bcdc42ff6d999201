"""kinto-http: batches of Kinto."""

import logging

from kinto_http import Client
from kinto_http.exceptions import KintoBatchException

from check import ADDRESS, check

# The client logs a line for each item.
logging.getLogger("kinto_http").setLevel(logging.CRITICAL)
client = Client(server_url=f"http://{ADDRESS}/v1", auth=("user", "password"), bucket="home", collection="tasks")


def read(batch, id):
    # The method `get_record` of the client cannot be used in a batch.
    batch.session.request("get", batch.get_endpoint("record", id=id))


with client.batch() as batch:
    batch.create_record(data={"id": "write", "title": "Write to Zoë"})
    batch.patch_record(id="write", data={"done": True})
    read(batch, "write")
    batch.create_record(data={"id": "rest"})
    batch.delete_record(id="rest")
made, changed, found, _, deleted = [it["data"] for it in batch.results()]
check("a write", (made["id"], made["title"]), ("write", "Write to Zoë"))
check("a change, and a read of it", (changed["done"], found), (True, changed))
check("a deletion", deleted, {"id": "rest", "deleted": True})

try:
    with client.batch() as batch:
        batch.create_record(data={"id": "write", "title": "again"})
        read(batch, "none")
        batch.update_record(id="write", data={"title": "Write"})
    failures = []
except KintoBatchException as error:
    failures = [(it.response["status"], it.response["body"]["message"]) for it in error.exceptions]
check("items that fail", failures, [(412, "Resource was modified meanwhile"), (404, "no such record")])
check("the item after them", client.get_record(id="write")["data"]["title"], "Write")

with client.batch(collection="many") as batch:
    for number in range(30):
        batch.create_record(data={"number": number})
numbers = [it["data"]["number"] for it in batch.results()]
check("more items than the limit, in two batches", numbers, list(range(30)))

# The client never sends `defaults`, other clients do.
records = client.get_endpoint("records")
defaults = {"method": "POST", "path": records, "body": {"data": {"done": False, "place": "home"}}}
requests = [{"body": {"data": {"place": "garden"}}}, {"method": "GET", "path": f"{records}/none"}]
body, _ = client.session.request("post", "/batch", payload={"defaults": defaults, "requests": requests})
made, missing = body["responses"]
made_data = {name: made["body"]["data"][name] for name in ("done", "place")}
check("defaults, merged into an item", (made["status"], made_data), (201, {"done": False, "place": "garden"}))
check("an item that overrides the defaults", missing["status"], 404)
