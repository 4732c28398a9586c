"""Out of the window: pictures, cine, pages, DICOM objects, key images; and reports back in."""
