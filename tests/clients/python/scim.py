"""scim2-client: bulk requests of SCIM."""

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import (
    BulkOperation,
    BulkRequest,
    Group,
    GroupMember,
    InvalidValueException,
    PatchOp,
    PatchOperation,
    ScimProvider,
    User,
)

from check import ADDRESS, check

scim = SyncSCIMClient(Client(base_url=f"http://{ADDRESS}/scim/v2"), provider=ScimProvider(models=[User, Group]))
# The limit of a bulk request.
scim.discover(schemas=False, resource_types=False)


def send(*operations, fail_on_errors=None):
    """Returns the operations of the response."""
    request = BulkRequest[User | Group](operations=list(operations), fail_on_errors=fail_on_errors)
    return scim.bulk(request).operations


def user(bulk_id, name):
    return BulkOperation[User](method="POST", path="/Users", bulk_id=bulk_id, data=User(user_name=name))


def summary(operations):
    return [(it.method, it.status, it.response.detail if it.status >= 300 else None) for it in operations]


members = [GroupMember(type="User", value="bulkId:zoë")]
ada, guides = send(
    user("zoë", "Zoë"),
    BulkOperation[Group](
        method="POST", path="/Groups", bulk_id="guides", data=Group(display_name="Guides", members=members)
    ),
)
check("writes", [(it.bulk_id, it.status) for it in (ada, guides)], [("zoë", 201), ("guides", 201)])
path = str(ada.location).partition("/scim/v2")[2]
id = path.rpartition("/")[2]
group = scim.query(Group, str(guides.location).rpartition("/")[2])
check("a reference to a new user", [it.value for it in group.members], [id])

change = PatchOp[User](operations=[PatchOperation[User](op="replace", path="displayName", value="Z")])
patched, taken, stale, missing = send(
    BulkOperation[User](method="PATCH", path=path, version=ada.version, data=change),
    user("again", "Zoë"),
    BulkOperation[User](method="PUT", path=path, version=ada.version, data=User(user_name="Zoë")),
    BulkOperation[User](method="DELETE", path="/Users/none"),
)
check("a change", (patched.status, patched.version != ada.version), (200, True))
check(
    "items that fail",
    summary([taken, stale, missing]),
    [
        ("POST", 409, "this name is taken"),
        ("PUT", 412, "the resource has another version"),
        ("DELETE", 404, "no such resource"),
    ],
)

first, failed = send(
    user("one", "Ben"),
    BulkOperation[User](method="DELETE", path="/Users/none"),
    user("two", "Cem"),
    fail_on_errors=1,
)
check(
    "the batch ends at the first error",
    summary([first, failed]),
    [("POST", 201, None), ("DELETE", 404, "no such resource")],
)
check("the item after it has not run", sorted(it.user_name for it in scim.query(User).resources), ["Ben", "Zoë"])

(deleted,) = send(BulkOperation[User](method="DELETE", path=path))
check("a deletion", deleted.status, 204)

try:
    send(*(user(str(number), f"user {number}") for number in range(26)))
    refused = None
except InvalidValueException as error:
    refused = error.detail
check("more operations than the limit", refused, "Bulk requests are limited to 25 operations by the server")
