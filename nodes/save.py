"""Decides how a picture is encoded for keeping: as PNG, every value rounded to the nearest of 256.

The engine names and writes the files, and puts the workflow and the run's record into them.
"""

from __future__ import annotations

from graph_engine import Context, File, node
from nodes.types import Image

COMPRESS_LEVEL = 4
"""zlib's. On noise with the spectrum of a photograph, 6 and 9 give no smaller file and take 3 to 4 times as long (measured)."""


@node("loom.save_image", version=1, category="image", output="files", sink=True)
def save_image(image: Image, *, name: str = "image", context: Context) -> list[File]:
    """Save pictures as PNG files in the output folder, with the workflow inside them.

    Args:
        image: One or more pictures; each becomes a file.
        name: What the files' names begin with; a number is added.

    Returns:
        files: The encoded files.
    """
    import io

    from PIL import Image as Pillow

    found = []
    for index, pixels in enumerate(image.pixels):
        context.progress(index, len(image.pixels))
        eight_bit = (pixels.clamp(0, 1) * 255).round().byte().numpy()
        written = io.BytesIO()
        Pillow.fromarray(eight_bit, "RGB").save(written, "PNG", compress_level=COMPRESS_LEVEL)
        found.append(File(data=written.getvalue(), stem=name, suffix=".png", media_type="image/png"))
    return found
