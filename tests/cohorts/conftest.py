import csv

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def picture_folder(tmp_path):
    """Two label folders with 24 pictures of 12 patients, and a table of the patients beside."""
    root = tmp_path / "pictures"
    dice = np.random.default_rng(0)
    rows = []
    for label, offset in (("sick", 60), ("well", 0)):
        (root / label).mkdir(parents=True)
        for i in range(12):
            grey = np.clip(dice.normal(80 + offset, 20, (40, 48)), 0, 255).astype(np.uint8)
            Image.fromarray(grey).save(root / label / f"{label}{i:02d}.png")
            rows.append({"file": f"{label}{i:02d}.png", "patient_id": f"{label}-{i // 2}"})
    with (root / "labels.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, ["file", "patient_id"])
        writer.writeheader()
        writer.writerows(rows)
    return root


@pytest.fixture
def table_csv(tmp_path):
    """A hundred rows, a category, missing cells, and a column that tells the class."""
    dice = np.random.default_rng(1)
    path = tmp_path / "table.csv"
    lines = ["age,sex,marker,outcome"]
    for i in range(100):
        label = i % 2
        marker = "" if i % 17 == 3 else f"{dice.normal(label * 2, 1):.3f}"
        lines.append(f"{dice.integers(20, 90)},{'FM'[i % 3 == 0]},{marker},{['no', 'yes'][label]}")
    path.write_text("\n".join(lines) + "\n")
    return path
