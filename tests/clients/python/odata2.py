"""pyodata: multipart batches of OData 2, whose outer status is 202."""

import sys

import pyodata
import requests
from pyodata.exceptions import HttpError

from check import ADDRESS, check

service = pyodata.Client(f"http://{ADDRESS}/odata2/", requests.Session())
products = service.entity_sets.Products


def send(*items):
    batch = service.create_batch()
    for item in items:
        batch.add_request(item)
    return batch.execute()


def change_set(*items):
    changes = service.create_changeset()
    for item in items:
        changes.add_request(item)
    return changes


def failure_of(*items):
    try:
        send(*items)
    except HttpError as error:
        return error.response.status_code
    return None


tea, changes, found = send(
    products.get_entity("tea"),
    change_set(
        products.create_entity().set(Id="salt", Name="Salt"),
        products.update_entity("salt").set(Name="Sea salt"),
        products.update_entity("salt", method="MERGE").set(Name="Smoked salt"),
    ),
    products.get_entities().filter("Name eq 'Smoked salt'"),
)
check("a read", (tea.Id, tea.Name, tea.etag), ("tea", "Tea", 'W/"1"'))
check("a change set of three", (changes[0].Name, changes[1:]), ("Salt", [None, None]))
check("a read of the result", [it.Id for it in found], ["salt"])

check("an item that fails", failure_of(products.get_entity("missing")), 404)
failed = change_set(
    products.update_entity("missing").set(Name="none"),
    products.delete_entity("salt"),
)
check("a change set that fails is one response", failure_of(failed), 404)
check("the rest of the change set has not run", products.get_entity("salt").execute().Name, "Smoked salt")

if sys.argv[2] == "odata-transactions":
    failed = change_set(
        products.update_entity("salt").set(Name="none"),
        products.delete_entity("tea"),
        products.update_entity("missing").set(Name="none"),
    )
    check("a change set that fails", failure_of(failed), 404)
    check("its first item is undone", products.get_entity("salt").execute().Name, "Smoked salt")
    check("its second item is undone", products.get_entity("tea").execute().Name, "Tea")
