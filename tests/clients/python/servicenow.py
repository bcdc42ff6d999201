"""pysnc: batches of ServiceNow, whose bodies are in base64."""

from pysnc import ServiceNowClient, client

from check import ADDRESS, check

# The client takes no address without TLS.
client.get_instance = lambda instance: instance
service = ServiceNowClient(f"http://{ADDRESS}", ("user", "password"))
batch = service.batch_api


def incidents():
    records = service.GlideRecord("incident")
    records.query()
    return records


def texts():
    return sorted(str(record.short_description) for record in incidents())


results = []
for text in ["Zoë's screen", "a slow disk"]:
    record = service.GlideRecord("incident")
    record.initialize()
    record.short_description = text
    batch.post(record, lambda it: results.append((it.status_code, it.json()["result"]["short_description"])))
batch.execute()
check("writes", results, [(201, "Zoë's screen"), (201, "a slow disk")])

results = []
records = incidents()
records.next()
id, text = str(records.sys_id), str(records.short_description)
for wanted in [id, "none", id]:
    batch.get(service.GlideRecord("incident"), wanted, lambda it: results.append((it.status_code, it.json())))
batch.execute()
found = (200, {"result": {"short_description": text, "sys_id": id}})
missing = (404, {"error": {"message": "No Record found"}, "status": "failure"})
check("reads, and an item that fails between them", results, [found, missing, found])

records = incidents()
for record in records:
    record.short_description = f"solved: {record.short_description}"
check("changes", records.update_multiple(), True)
check("the changed records", texts(), ["solved: Zoë's screen", "solved: a slow disk"])
check("deletions", service.GlideRecord("incident").delete_multiple(), True)
check("no record remains", texts(), [])
