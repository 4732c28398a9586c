"""A segmentation network that answers whole images."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from medbench.engine.learners.base import Core, Floats, Tensors
from medbench.engine.nets.unet import multiples_of

OVERLAP = 0.5
_WHOLE = 2.0
"""An image of up to so many patches is answered in one piece."""


class SegCore(Core):
    """Network, patch and the mirrorings it may average over."""

    def __init__(
        self, net: torch.nn.Module, described: dict[str, Any], device: torch.device
    ) -> None:
        self.net = net.to(device).eval()
        self.device = device
        self.patch = [int(p) for p in described["patch"]]
        self.mirror = [int(a) for a in described["mirror"]]
        self._described = described

    def probabilities(self, image: NDArray[np.float32], *, mirrored: bool = True) -> Any:
        """(classes, z, y, x) float32 of a prepared image (channels, z, y, x).

        Windows overlap by half and are weighed by a Gaussian; probabilities are averaged, not
        logits, so that one overconfident window cannot outvote the others.
        """
        flat = len(self.patch) == 2
        tensor = torch.from_numpy(np.ascontiguousarray(image, np.float32))[None].to(self.device)
        tensor = tensor[:, :, 0] if flat else tensor
        axes = [a - 1 if flat else a for a in self.mirror] if mirrored else []
        with torch.inference_mode():
            found = self._answered(tensor)
            for axis in axes:
                found = found + self._answered(tensor.flip(axis + 2)).flip(axis + 2)
            found = (found / (1 + len(axes)))[0].float().cpu()
        return (found[:, None] if flat else found).numpy()

    def _answered(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor[0, 0].numel() <= _WHOLE * np.prod(self.patch):
            return self._whole(tensor)
        from monai.inferers import sliding_window_inference

        answer = sliding_window_inference(
            tensor, self.patch, 2, lambda part: self.net(part).softmax(1), overlap=OVERLAP,
            mode="gaussian", sigma_scale=0.125, padding_mode="replicate",
        )  # fmt: skip
        assert isinstance(answer, torch.Tensor)
        return answer

    def _whole(self, tensor: torch.Tensor) -> torch.Tensor:
        pads, cut = [], [slice(None), slice(None)]
        many = multiples_of(self._described["strides"])
        for size, multiple, edge in zip(tensor.shape[2:], many, self.patch, strict=True):
            # instance norm wants more than one voxel at the bottom
            lack = max(-(-size // multiple) * multiple, min(edge, 2 * multiple)) - size
            pads.append((lack // 2, lack - lack // 2))
            cut.append(slice(lack // 2, lack // 2 + size))
        flat = [n for pair in reversed(pads) for n in pair]
        padded = functional.pad(tensor, flat, mode="replicate")
        return self.net(padded).softmax(1)[tuple(cut)]

    def logits(self, inputs: NDArray[Any]) -> Floats:
        """(voxels, classes) log probabilities of one prepared image (channels, z, y, x)."""
        found = self.probabilities(inputs)
        return np.log(np.maximum(found, 1e-7)).reshape(len(found), -1).T.astype(np.float64)

    def tensors(self) -> Tensors:
        state = self.net.state_dict().items()
        return {f"net.{key}": value.detach().cpu().numpy() for key, value in state}

    def architecture(self) -> dict[str, Any]:
        return dict(self._described)
