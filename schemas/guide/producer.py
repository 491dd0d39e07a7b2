"""A producer on its own: the contract's .avsc, the registry's HTTP API and any Kafka client.

Usage: producer.py BROKER REGISTRY_URL AVSC_FILE EVENT_ID
Needs: pip install -r requirements.txt
"""
import io
import json
import struct
import sys
import time
import urllib.request

import fastavro
from kafka import KafkaProducer

broker, registry, avsc_file, event_id = sys.argv[1:5]

# 1. Register the schema under <topic>-value; registering the same one again gives the same id.
with open(avsc_file) as file:
    schema = json.load(file)
request = urllib.request.Request(
    f"{registry}/subjects/engagement-value/versions",
    data=json.dumps({"schema": json.dumps(schema), "schemaType": "AVRO"}).encode(),
    headers={"content-type": "application/vnd.schemaregistry.v1+json"},
)
schema_id = json.load(urllib.request.urlopen(request))["id"]

# 2. Encode: a zero byte, the schema id as four bytes big-endian, the Avro body.
#    Fields with a default in the .avsc may be left out.
event = {
    "eventId": event_id,
    "userId": "python-viewer",
    "videoId": "some-video",
    "kind": "watch",
    "occurredAt": int(time.time() * 1000),
    "watchedMs": 7200,
    "durationMs": 9000,
    "region": "DE",
}
body = io.BytesIO()
fastavro.schemaless_writer(body, fastavro.parse_schema(schema), event)
value = struct.pack(">bI", 0, schema_id) + body.getvalue()

# 3. Send with the key that the contract names. Keep the event id over retries: it counts once.
producer = KafkaProducer(bootstrap_servers=broker, acks="all")
producer.send("engagement", key=event["userId"].encode(), value=value).get(timeout=30)
producer.close()
print(f"sent {event_id}")
