"""The camera of the 3-D view: standard views, angles, the trackball."""

import math

import numpy as np
import pytest

from medbench.domain.geometry import edge_letters
from medbench.imaging.render3d_camera import Camera, Sight, camera_at, standard_camera


def test_letters_of_the_screen_belong_to_the_standard_views():
    wanted = {"A": ("L", "F"), "P": ("R", "F"), "L": ("P", "F"), "R": ("A", "F"),
              "H": ("R", "P"), "F": ("L", "P")}  # fmt: skip
    for side, (right, down) in wanted.items():
        rotation = standard_camera(side).rotation
        assert edge_letters(rotation[0]) == right
        assert edge_letters(rotation[1]) == down
        assert edge_letters(-rotation[2]) == side  # the viewer stands there
        assert np.allclose(np.cross(rotation[0], rotation[1]), rotation[2])


def test_angles_and_turns_of_the_camera():
    for yaw, pitch in ((0, 0), (28, 14), (-100, -60), (179, 3)):
        camera = camera_at(yaw, pitch)
        assert camera.yaw_deg == pytest.approx(yaw)
        assert camera.pitch_deg == pytest.approx(pitch)
        assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3))
        assert np.linalg.det(camera.rotation) == pytest.approx(1)
    front = standard_camera("A")
    assert front.turned(30, 0).yaw_deg == pytest.approx(-30)  # the front goes right: viewer goes R
    assert front.turned(0, 20).pitch_deg == pytest.approx(20)
    dragged = front.dragged((0, 0), (math.sin(math.radians(25)), 0))
    assert dragged.yaw_deg == pytest.approx(-25, abs=1e-6)
    assert front.dragged((0.1, 0.2), (0.1, 0.2)) == front
    rolled = front.dragged((0.0, -5.0), (5.0, 0.0))  # outside the ball: a turn in the screen
    assert np.allclose(rolled.rotation[2], front.rotation[2], atol=0.05)
    camera: Camera = front
    for i in range(500):
        camera = camera.dragged((0.01 * (i % 7), 0), (0.1, 0.03))
    assert np.allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-12)


def test_a_walk_round_the_patient_keeps_the_height():
    camera = camera_at(15, 20)
    for turn in (30, 90, -200):
        found = camera.orbited(turn)
        assert found.pitch_deg == pytest.approx(20)
        assert math.cos(math.radians(found.yaw_deg - 15 - turn)) == pytest.approx(1)
    assert standard_camera("A").orbited(90).yaw_deg == pytest.approx(90)


def test_a_front_point_follows_the_hand():
    sight = Sight(standard_camera("A"), 200, 200, (5.0, -3.0, 40.0), 30.0)
    centre = np.asarray(sight.centre_mm)
    point = centre + np.array([0, -10.0, 0])  # in front of the middle
    radius_mm = 10.0
    camera = sight.camera.dragged((0, 0), (0.5, 0.3))
    right, down, _ = camera.rotation
    assert right @ (point - centre) == pytest.approx(0.5 * radius_mm, abs=1e-6)
    assert down @ (point - centre) == pytest.approx(0.3 * radius_mm, abs=1e-6)
