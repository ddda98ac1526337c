"""Decides what a diffusers folder holds, from its headers alone: family, text-embedding kind, latent format, sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nodes.models import sd1, sdxl
from nodes.models.family import PREDICTIONS, Family, ModelInfo
from nodes.models.folder import INDEX, DiffusersFolder, ModelFileError, read_json
from nodes.sampling.prediction import NoiseTable

FAMILIES: Mapping[str, Family] = {family.name: family for family in (sdxl.FAMILY, sd1.FAMILY)}
"""In the order in which they are asked: SDXL says no to others, SD 1 takes what has one CLIP text encoder."""

CLASSES = {"unet": "UNet2DConditionModel", "vae": "AutoencoderKL"}

KNOWN_LATENTS: Mapping[tuple[int, tuple[int, ...], float], str] = {
    (4, (128, 256, 512, 512), 0.18215): "sd1",
    (4, (128, 256, 512, 512), 0.13025): "sdxl",
    (4, (16, 32, 64, 64), 0.18215): "loom_tiny",
}
"""(channels, widths of the VAE, scaling factor) of the formats that many models share."""


def inspect(path: Path) -> ModelInfo:
    """What can be known of a model before its weights are read. Raises ModelFileError for what cannot be used."""
    folder = DiffusersFolder(path)
    for component in ("unet", "vae", "scheduler"):
        if not folder.config(component):
            raise ModelFileError(f"it has no {component}: only models with a U-Net and a VAE can be loaded so far.")
    for component, wanted in CLASSES.items():
        if (found := folder.config(component).get("_class_name")) != wanted:
            raise ModelFileError(f"its {component} is a {found}: only {wanted} can be loaded so far.")
    unet, vae, scheduler = (folder.config(component) for component in ("unet", "vae", "scheduler"))
    family, text_kind = _family(folder)
    channels, widths = vae.get("latent_channels", 4), tuple(vae.get("block_out_channels", ()))
    if unet.get("in_channels") != channels:
        raise ModelFileError(
            f"its U-Net reads {unet.get('in_channels')} channels and its VAE gives {channels}: "
            "models for inpainting, depth or editing cannot be loaded yet."
        )
    factor = 2 ** (len(widths) - 1)
    height, width = _sides(unet.get("sample_size", 64))
    return ModelInfo(
        family=family.name,
        text_kind=text_kind,
        latent_format=_latent_format(channels, widths, vae.get("scaling_factor", 0.18215)),
        latent_channels=channels,
        latent_factor=factor,
        default_height=height * factor,
        default_width=width * factor,
        prediction=_prediction(scheduler),
        table=_table(scheduler),
        fingerprint=folder.fingerprint(),
    )


def _family(folder: DiffusersFolder) -> tuple[Family, str]:
    for family in FAMILIES.values():
        if text_kind := family.text_kind(folder):
            return family, text_kind
    kind = read_json(folder.path / INDEX).get("_class_name", "")
    of = f" ({kind})" if kind else ""
    raise ModelFileError(f"it is of no supported family{of}: use an SD 1.x, SD 2.x or SDXL model.")


def _latent_format(channels: int, widths: tuple[int, ...], scaling: float) -> str:
    """A name that two VAEs share only if one can read what the other wrote; for an unknown one, its architecture's."""
    known = KNOWN_LATENTS.get((channels, widths, scaling))
    return known or f"kl{channels}_{'_'.join(map(str, widths))}_{scaling:g}"


def _prediction(scheduler: Mapping[str, Any]) -> Any:
    said = scheduler.get("prediction_type", "epsilon")
    if said not in PREDICTIONS:
        raise ModelFileError(f"its network predicts {said!r}: only epsilon and v are supported so far.")
    return PREDICTIONS[said]


def _table(scheduler: Mapping[str, Any]) -> NoiseTable:
    """The noise levels of its training; what the config leaves out has the default of diffusers."""
    if scheduler.get("trained_betas") is not None:
        raise ModelFileError("its scheduler lists trained_betas, which is not supported.")
    try:
        return NoiseTable.from_betas(
            beta_schedule=scheduler.get("beta_schedule", "linear"),
            beta_start=scheduler.get("beta_start", 0.0001),
            beta_end=scheduler.get("beta_end", 0.02),
            num_train_timesteps=scheduler.get("num_train_timesteps", 1000),
            rescale_betas_zero_snr=scheduler.get("rescale_betas_zero_snr", False),
        )
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"its scheduler_config.json gives no noise levels: {error}.") from error


def _sides(sample_size: Any) -> tuple[int, int]:
    """(height, width) in latent cells; a config gives one number for a square."""
    match sample_size:
        case int():
            return sample_size, sample_size
        case [int(height), int(width)]:
            return height, width
    raise ModelFileError(f"unet/config.json has the sample_size {sample_size!r}, which is none.")
