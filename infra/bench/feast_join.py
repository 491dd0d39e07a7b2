"""Feast's point-in-time join over the same files: prints one line of JSON with the seconds of each round.

usage: feast_join.py FOLDER file|duckdb LABELS VIEWS ROUNDS
"""

import json
import pathlib
import sys
import time
import warnings
from datetime import timedelta

warnings.filterwarnings("ignore")

import pandas as pd
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.repo_config import RepoConfig
from feast.types import Float64

folder, kind, labels, views, rounds = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
columns = [f"f{i}" for i in range(10)]
store = FeatureStore(
    config=RepoConfig(
        project="bench",
        registry=str(folder / f"registry-{kind}.db"),
        provider="local",
        online_store={"type": "sqlite", "path": str(folder / "online.db")},
        offline_store={"type": kind},
        entity_key_serialization_version=3,
    )
)
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.STRING)
definitions = [
    FeatureView(
        name=f"view{v}",
        entities=[user],
        ttl=timedelta(days=3650),
        schema=[Field(name=c, dtype=Float64) for c in columns],
        source=FileSource(
            name=f"source{v}",
            path=str(folder / f"view{v}.parquet"),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
        ),
    )
    for v in range(views)
]
store.apply([user, *definitions])
frame = pd.read_parquet(folder / f"labels-{labels}.parquet")
names = [f"view{v}:{c}" for v in range(views) for c in columns]
seconds = []
for _ in range(rounds):
    began = time.perf_counter()
    joined = store.get_historical_features(entity_df=frame, features=names, full_feature_names=True).to_df()
    seconds.append(time.perf_counter() - began)
print(json.dumps({"seconds": seconds, "rows": len(joined), "sum": float(joined["view0__f0"].sum())}))
