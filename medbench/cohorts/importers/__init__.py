"""One importer a file; each registers itself in one line. The first that accepts is taken."""

from medbench.cohorts.importers import (
    arrays_npz,
    ecg_records,
    file_table,
    image_folders,
    mask_pairs,
    signal_table,
    value_table,
)
from medbench.cohorts.source import Importer

IMPORTERS: tuple[Importer, ...] = (
    mask_pairs.IMPORTER,
    ecg_records.IMPORTER,
    arrays_npz.IMPORTER,
    image_folders.IMPORTER,
    file_table.IMPORTER,
    signal_table.IMPORTER,
    value_table.IMPORTER,
)
