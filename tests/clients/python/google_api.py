"""google-api-python-client: its BatchHttpRequest, for a service that is described here."""

import httplib2
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError

from check import ADDRESS, check

ID = {"id": {"type": "string", "location": "path", "required": True}}
ITEM = {"$ref": "Item"}
METHODS = {
    "list": {"httpMethod": "GET", "path": "items", "response": {"$ref": "Items"}},
    "insert": {"httpMethod": "POST", "path": "items", "request": ITEM, "response": ITEM},
    "get": {"httpMethod": "GET", "path": "items/{id}", "parameters": ID, "parameterOrder": ["id"], "response": ITEM},
    "delete": {"httpMethod": "DELETE", "path": "items/{id}", "parameters": ID, "parameterOrder": ["id"]},
}
for name, method in METHODS.items():
    method["id"] = f"demo.items.{name}"
DESCRIPTION = {
    "name": "demo",
    "version": "v1",
    "rootUrl": f"http://{ADDRESS}/",
    "servicePath": "demo/v1/",
    "batchPath": "batch/demo/v1",
    "schemas": {
        "Item": {"id": "Item", "type": "object", "properties": {"id": {"type": "string"}, "name": {"type": "string"}}},
        "Items": {"id": "Items", "type": "object", "properties": {"items": {"type": "array", "items": ITEM}}},
    },
    "resources": {"items": {"methods": METHODS}},
}

service = build_from_document(DESCRIPTION, http=httplib2.Http())
items = service.items()


def send(**requests):
    """Returns by name the response of each request, or the status of its failure."""
    results = {}

    def done(name, response, error):
        assert error is None or isinstance(error, HttpError), error
        results[name] = response if error is None else error.resp.status

    batch = service.new_batch_http_request(callback=done)
    for name, request in requests.items():
        batch.add(request, request_id=name)
    batch.execute()
    return results


results = send(
    read=items.get(id="one"),
    write=items.insert(body={"id": "zoë", "name": "Zoë & <co>"}),
    gone=items.get(id="none"),
)
check("a read", results["read"], {"id": "one", "name": "First"})
check("a write", results["write"], {"id": "zoë", "name": "Zoë & <co>"})
check("an item that fails", results["gone"], 404)

results = send(**{"needs space + plus": items.get(id="zoë"), "deleted": items.delete(id="one")})
check("an id with spaces", results["needs space + plus"]["name"], "Zoë & <co>")
check("a deletion", results["deleted"], "")
check("the remaining items", [it["id"] for it in items.list().execute()["items"]], ["zoë"])
