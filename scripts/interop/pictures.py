"""pictures.py DIR: writes 16 training and 6 testing pictures of two classes as PNG. They show waves. Some are wider
than high, others higher than wide."""

import pathlib
import sys

import numpy
from PIL import Image


def draw(rng, width, height):
    y, x = numpy.mgrid[:height, :width]
    channels = []
    for _ in range(3):
        a, b, c = rng.uniform(0.01, 0.3, 3)
        channels.append(127 + 80 * numpy.sin(a * x + c) * numpy.cos(b * y) + rng.normal(0, 15, x.shape))
    return Image.fromarray(numpy.stack(channels, -1).clip(0, 255).astype(numpy.uint8))


root, rng = pathlib.Path(sys.argv[1]), numpy.random.default_rng(1)
for part, n in (("train", 8), ("test", 3)):
    for label in ("first", "second"):
        (root / part / label).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            width, height = (300, 260) if i % 2 == 0 else (240, 330)
            draw(rng, width, height).save(root / part / label / f"{i}.png")
