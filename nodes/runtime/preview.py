"""Decides what is shown of a latent while it is still being made: a linear guess at its colours, without the VAE."""

from __future__ import annotations

import io

import torch
from PIL import Image
from torch import Tensor

# One row for each latent channel, one column each for red, green and blue in [-1, 1]: a least-squares fit of pictures to
# their latents. Those of sd1 and sdxl are published with ComfyUI; that of loom_tiny is held to its VAE by a test.
COLOURS = {
    "loom_tiny": ((0.5613, 0.1131, -0.0082), (0.1312, 0.4447, 0.0869), (0.0382, 0.0956, 0.5089), (0.0210, -0.0321, 0.0086)),
    "sd1": ((0.3512, 0.2297, 0.3227), (0.3250, 0.4974, 0.2350), (-0.2829, 0.1762, 0.2721), (-0.2120, -0.2616, -0.7177)),
    "sdxl": (
        (0.3651, 0.4232, 0.4341),
        (-0.2533, -0.0042, 0.1068),
        (0.1076, 0.1111, -0.0362),
        (-0.3165, -0.2492, -0.2188),
    ),
}
OFFSETS = {"loom_tiny": (0.2551, 0.2023, 0.1769), "sdxl": (0.1084, -0.0175, -0.0011)}

LONGEST_SIDE = 512
"""Pixels; a small latent is enlarged by a whole number as far as this allows, at most EIGHTFOLD."""

EIGHTFOLD = 8


def preview(x0: Tensor, latent_format: str) -> bytes:
    """A JPEG of the first item of x0 [batch, channels, h, w]. Reads from the device, so it waits for it."""
    guess = _rgb(x0[0].detach().to(device="cpu", dtype=torch.float32), latent_format)
    picture = Image.fromarray((guess * 255).round().to(torch.uint8).numpy(), "RGB")
    enlarged = max(1, min(EIGHTFOLD, LONGEST_SIDE // max(picture.size)))
    picture = picture.resize((picture.width * enlarged, picture.height * enlarged), Image.Resampling.BICUBIC)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=85)
    return written.getvalue()


def _rgb(item: Tensor, latent_format: str) -> Tensor:
    """[channels, h, w] to [h, w, 3] in [0, 1]. Of a format without known colours: its first channels, stretched."""
    if colours := COLOURS.get(latent_format):
        offset = torch.tensor(OFFSETS.get(latent_format, (0.0, 0.0, 0.0)))
        mixed = torch.einsum("chw,cr->hwr", item, torch.tensor(colours)) + offset
        return (mixed / 2 + 0.5).clamp(0, 1)
    shown = torch.stack([item[channel % item.shape[0]] for channel in range(3)], dim=-1)
    low, high = shown.amin(dim=(0, 1)), shown.amax(dim=(0, 1))
    return (shown - low) / (high - low).clamp(min=1e-6)
