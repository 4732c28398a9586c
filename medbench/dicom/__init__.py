"""DICOM bytes to domain objects: scan, read, decode, geometry, VOI."""
