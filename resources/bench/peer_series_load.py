"""Peer: SimpleITK's series reader over one folder, file order found by itself. Prints seconds."""

import json
import sys
import time

import SimpleITK

SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
begin = time.perf_counter()
reader = SimpleITK.ImageSeriesReader()
reader.SetFileNames(reader.GetGDCMSeriesFileNames(sys.argv[1]))
image = reader.Execute()  # the view below does not keep it alive
voxels = SimpleITK.GetArrayViewFromImage(image)
print(
    json.dumps(
        {
            "seconds": time.perf_counter() - begin,
            "shape": voxels.shape,
            "sum": int(voxels.sum(dtype="int64")),
        }
    )
)
