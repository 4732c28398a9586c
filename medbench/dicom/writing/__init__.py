"""DICOM objects made from what a reader did: reports, segmentations, states, key images."""
