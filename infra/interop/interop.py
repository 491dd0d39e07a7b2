"""Opens what foryou wrote with the tools that people have, and makes a ranker with one of them.

usage: interop.py FOLDER     FOLDER holds feature_store.yaml, definitions.py, data/<view>/*.parquet and
                             impressions.parquet; probe.json and model.onnx are written there.
Prints one line of JSON per check: {"check": ..., "ok": true|false, "detail": ...}.
"""

import importlib.util
import json
import os
import pathlib
import sys
import warnings
from datetime import datetime, timedelta, timezone

warnings.filterwarnings("ignore")

import duckdb
import numpy as np
import pandas as pd
from feast import FeatureStore
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn.linear_model import LogisticRegression

folder = pathlib.Path(sys.argv[1]).resolve()
os.chdir(folder)


def say(check, ok, detail):
    print(json.dumps({"check": check, "ok": bool(ok), "detail": str(detail)}), flush=True)


def newest(frame, entity):
    """The newest snapshot of each entity; of one moment the one created last."""
    ordered = frame.sort_values(["event_timestamp", "created_timestamp"])
    return ordered.groupby(entity).tail(1).set_index(entity)


frames = {view: pd.read_parquet(folder / "data" / view) for view in ("video", "user", "creator")}
for view, frame in frames.items():
    counted = duckdb.sql(f"SELECT count(*) FROM '{folder}/data/{view}/*.parquet'").fetchall()[0][0]
    say(f"pandas and DuckDB read {view}", counted == len(frame) > 0, f"{counted} rows, {frame.shape[1]} columns")

spec = importlib.util.spec_from_file_location("definitions", folder / "definitions.py")
definitions = importlib.util.module_from_spec(spec)
spec.loader.exec_module(definitions)
store = FeatureStore(repo_path=str(folder))
store.apply([definitions.video_id, definitions.user_id, definitions.creator_id, definitions.video, definitions.user, definitions.creator])
say("feast apply", len(store.list_feature_views()) == 3, "three views from the generated repository")

now = datetime.now(timezone.utc)
store.materialize(now - timedelta(days=30), now + timedelta(hours=2))
latest = newest(frames["video"], "video_id")
ids = list(latest.index[:50])
columns = [c for c in frames["video"].columns if c not in ("video_id", "event_timestamp", "created_timestamp")]
online = store.get_online_features(features=[f"video:{c}" for c in columns], entity_rows=[{"video_id": i} for i in ids]).to_df().set_index("video_id")
worst = max(float(np.abs(online.loc[ids, c].astype(float) - latest.loc[ids, c]).max()) for c in columns)
say("feast materialize and get_online_features", worst < 1e-9, f"{len(ids)} videos x {len(columns)} features, largest difference {worst}")

labels = pd.read_parquet(folder / "labels.parquet")
ours = pd.read_parquet(folder / "joined.parquet").set_index("row").sort_index()
theirs = store.get_historical_features(entity_df=labels, features=[f"video:{c}" for c in columns], full_feature_names=True).to_df().set_index("row").sort_index()
worst = max(float(np.abs(theirs[f"video__{c}"].fillna(0).astype(float) - ours[f"video__{c}"]).max()) for c in columns)
say("feast get_historical_features equals our join", worst < 1e-9 and len(ours) == len(theirs), f"{len(ours)} labels, largest difference {worst}")

rows = pd.read_parquet(folder / "impressions.parquet")
names = json.loads((folder / "features.json").read_text())
x, y = rows[[n["column"] for n in names]].to_numpy(np.float32), rows["y_complete"].to_numpy() > 0.5
model = LogisticRegression(max_iter=1000).fit(x, y)
onnx = convert_sklearn(
    model,
    initial_types=[("features", FloatTensorType([None, len(names)]))],
    final_types=[("label", Int64TensorType([None])), ("complete", FloatTensorType([None, 2]))],
    options={id(model): {"zipmap": False}},
    target_opset=17,
)
entry = onnx.metadata_props.add()
entry.key, entry.value = "foryou.features", json.dumps([n["feature"] for n in names])
(folder / "model.onnx").write_bytes(onnx.SerializeToString())
(folder / "probe.json").write_text(json.dumps({"rows": x[:20].tolist(), "complete": model.predict_proba(x[:20])[:, 1].tolist()}))
say("scikit-learn writes a ranker", True, f"logistic regression over {len(names)} features, {len(rows)} impressions")
