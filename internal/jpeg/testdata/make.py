"""Writes small JPEGs, one for each way of storing chroma: python3 make.py"""
import random

from PIL import Image

random.seed(1)
small = Image.frombytes("RGB", (9, 7), bytes(random.randrange(256) for _ in range(9 * 7 * 3)))
picture = small.resize((117, 93), Image.BICUBIC)
for name, options in {
    "420": {"subsampling": 2},
    "422": {"subsampling": 1},
    "444": {"subsampling": 0},
    "progressive": {"subsampling": 2, "progressive": True},
}.items():
    picture.save(name + ".jpg", quality=80, **options)
picture.convert("L").save("gray.jpg", quality=80)
picture.convert("CMYK").save("cmyk.jpg", quality=80)
