"""Run an exported classifier on exported vectors with nothing but numpy: probabilities as JSON, by image id.

sharedspace classify -c NAME --labels "cat,dog" --save-classifier labels.npz
sharedspace export -c NAME --out vectors.npz
python docs/classify_with_numpy.py labels.npz vectors.npz
"""

import json
import sys

import numpy as np

head, data = np.load(sys.argv[1]), np.load(sys.argv[2])
about = json.loads(str(head["about"]))
if json.loads(str(data["space"]))["space"] != about["space"]:
    sys.exit(f"These vectors are not of the space of {about['model']}, for which the classifier was made.")
rows = data["vectors"] @ head["weights"].T + head["bias"]  # (images, rows): scale and temperature are in them
logits = np.stack([rows[:, head["label_of"] == at].max(axis=1) for at in range(head["label_of"].max() + 1)], axis=1)
labels = about["labels"]
if about["mode"] == "one":  # softmax over the labels, and over none of these where rows stand for it
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds = powers / powers.sum(axis=1, keepdims=True)
else:  # each label against none of these, whose logit is 0 without such rows
    odds = 1 / (
        1 + np.exp((logits[:, len(labels) :] if logits.shape[1] > len(labels) else 0) - logits[:, : len(labels)])
    )
columns = [*labels, "none of these"][: odds.shape[1]]
answer = {str(id): dict(zip(columns, row, strict=True)) for id, row in zip(data["ids"], odds.tolist(), strict=True)}
json.dump(answer, sys.stdout)
