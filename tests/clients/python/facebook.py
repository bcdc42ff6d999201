"""facebook_business: batches of the Graph API, sent as forms."""

from facebook_business.api import FacebookAdsApi, FacebookSession

from check import ADDRESS, check

# There is no setting for the address.
FacebookSession.GRAPH = f"http://{ADDRESS}"
api = FacebookAdsApi.init(access_token="token", api_version="v19.0", crash_log=False)


class Batch:
    def __init__(self):
        self.batch = api.new_batch()
        self.results = []

    def add(self, method, path, **options):
        """Returns the item, which has members that the client has no names for."""
        return self.batch.add(
            method,
            path,
            success=lambda response: self.results.append(response.json()),
            failure=lambda response: self.results.append((response.status(), response.error().api_error_message())),
            **options,
        )

    def execute(self):
        """Returns the body of each response, or the status and message of its error."""
        again = self.batch.execute()
        assert again is None, "the client would send items again"
        return self.results


batch = Batch()
batch.add("POST", ("me", "albums"), params={"name": "Zoë & co", "place": {"city": "Bonn"}})
batch.add("GET", ("none",))
batch.add("POST", ("me", "albums"), params={"name": "second"})
first, failed, second = batch.execute()
check("an item that fails, beside writes", failed, (400, "no such object"))

# Items run concurrently, so no item reads what another one changes.
batch = Batch()
batch.add("GET", (first["id"],), params={"fields": "name,place"})
batch.add("POST", (second["id"],), params={"name": "changed"})
found = {"id": first["id"], "name": "Zoë & co", "place": '{"city":"Bonn"}'}
check("a read and a change", batch.execute(), [found, {"success": True}])

batch = Batch()
batch.add("DELETE", (first["id"],))
batch.add("GET", (second["id"],), params={"fields": "name"}, headers={"Accept-Language": "de"})
check("a deletion and a read", batch.execute(), [{"success": True}, {"id": second["id"], "name": "changed"}])
