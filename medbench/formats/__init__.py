"""Whatever a reader opens that is not plain DICOM pixels: other files, archives, other objects."""
