"""office365-rest-python-client: JSON batches of Microsoft Graph."""

from office365 import azure_env
from office365.azure_env import AzureEnvironment
from office365.graph_client import GraphClient
from office365.runtime.client_request_exception import ClientRequestException

from check import ADDRESS, check

# The client knows its clouds only by name, so replace the address of one.
azure_env._ENDPOINTS[AzureEnvironment.Global]["graph"] = f"http://{ADDRESS}"


def connect():
    return GraphClient(lambda: {"token_type": "Bearer", "access_token": "token"})


client = connect()
me = client.me.get()
client.me.messages.add(subject="from Python")
messages = client.me.messages.get()
client.execute_batch(sequential=True)
check("a read", me.properties["displayName"], "Ada Lovelace")
check("a chain of a write and a read of it", messages[-1].subject, "from Python")

client = connect()
client.me.set_property("jobTitle", "Engineer").update()
client.execute_batch()
check("a change", connect().me.get().execute_query().properties["jobTitle"], "Engineer")

client = connect()
client.me.get()
client.users["nobody"].get()
try:
    client.execute_batch()
    failure = None
except ClientRequestException as error:
    failure = (error.response.status_code, error.code)
check("an item that fails", failure, (404, "NotFound"))
