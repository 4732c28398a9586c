"""A frame of a turning 512 x 512 x 300 volume, 400 x 400 pixels, beside SimpleITK on the same reduced copy.

``ratio`` compares a maximum projection with ResampleImageFilter (linear, turned grid) followed by
MaximumProjectionImageFilter; both values must agree. ``frames_per_s`` are those of the window while
the hand moves (projection, and the slowest shaded preset); ``full_s`` is the picture at rest. With
``frames`` the ratio is that of the slower frames to fifteen a second.
"""

import json
import statistics
import sys
import time

import numpy as np
import SimpleITK

from medbench.domain.geometry import Geometry
from medbench.imaging.render3d import Look, VolumeSource, draw, look_at
from medbench.imaging.render3d_camera import camera_at
from medbench.imaging.render3d_presets import VolumeMode, read_volume_presets

SHAPE, SIZE, ROUNDS = (300, 512, 512), 400, 12
rng = np.random.default_rng(0)
coarse = rng.normal(0, 1, (20, 32, 32)).astype(np.float32)
small = SimpleITK.GetImageFromArray(coarse)
small.SetSpacing((16.0, 16.0, 15.0))
grown = SimpleITK.Resample(
    small, SHAPE[::-1], SimpleITK.Transform(), SimpleITK.sitkLinear, (0, 0, 0), (0.96875,) * 3
)
voxels = (SimpleITK.GetArrayViewFromImage(grown) * 500).astype(np.int16)
voxels[:, :40] = voxels[:, -40:] = -1000
geometry = Geometry(SHAPE, (1.0, 0.7, 0.7), (-180.0, -180.0, 0.0), (1, 0, 0, 0, 1, 0, 0, 0, 1))
source = VolumeSource(voxels, geometry)
presets = {p.preset_id: p for p in read_volume_presets(own=False)}


def frame(preset, yaw, *, fine=False):
    """Picture and seconds."""
    sight = look_at(source, camera_at(yaw, 12), SIZE, SIZE)
    begin = time.perf_counter()
    picture = draw(source, Look(presets[preset]), sight, fine=fine)
    return picture, time.perf_counter() - begin


copy = source.moving(VolumeMode.MIP)
image = SimpleITK.GetImageFromArray(copy.values)
image.SetSpacing(copy.spacing_mm[::-1])
image.SetOrigin(tuple(copy.matrix[:3, 3]))


def peer(yaw):
    """The same picture by SimpleITK: depth in steps of the copy's finest voxel edge."""
    sight = look_at(source, camera_at(yaw, 12), SIZE, SIZE)
    right, down, into = sight.camera.rotation
    step = min(copy.spacing_mm)
    depth = int(np.ceil(1.8 * sight.extent_mm / step))
    begin = time.perf_counter()
    resampler = SimpleITK.ResampleImageFilter()
    resampler.SetInterpolator(SimpleITK.sitkLinear)
    resampler.SetDefaultPixelValue(source.lowest)
    resampler.SetSize((SIZE, SIZE, depth))
    mm = 1 / sight.px_per_mm
    resampler.SetOutputSpacing((mm, mm, step))
    origin = sight.point_at(0, 0) - into * step * (depth - 1) / 2
    resampler.SetOutputOrigin(tuple(origin))
    resampler.SetOutputDirection(np.stack([right, down, into], axis=1).ravel().tolist())
    turned = resampler.Execute(image)
    found = SimpleITK.MaximumProjection(turned, 2)
    return SimpleITK.GetArrayViewFromImage(found)[0].copy(), time.perf_counter() - begin


pairs, errors = [], []
for number in range(4):
    yaw = 25 + 40 * number
    ours, peers = frame("mip", yaw), peer(yaw)
    pairs.append((ours[1], peers[1]))
    difference = np.abs(ours[0].values - peers[0])
    errors.append(float(np.mean(difference)) / float(np.ptp(peers[0])))
assert max(errors[1:]) < 0.03, "the values differ"
moving = {}
for preset in ("mip", "ct-soft-tissue"):
    frame(preset, 0)
    moving[preset] = statistics.median(frame(preset, 30 * n)[1] for n in range(ROUNDS))
slowest = max(moving.values())
frames_wanted = "frames" in sys.argv[1:]
print(json.dumps({
    "ours_s": slowest if frames_wanted else statistics.median(a for a, _ in pairs[1:]),
    "peer_s": 1 / 15 if frames_wanted else statistics.median(b for _, b in pairs[1:]),
    "ratio": 1 / 15 / slowest if frames_wanted else statistics.median(b / a for a, b in pairs[1:]),
    "frames_per_s": {preset: round(1 / seconds, 1) for preset, seconds in moving.items()},
    "full_s": {preset: round(frame(preset, 35, fine=True)[1], 2) for preset in moving},
    "rounds": ROUNDS, "values_equal": True,
}))  # fmt: skip
