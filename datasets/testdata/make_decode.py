"""Writes the pictures of decode/ that are neither PNG nor plain JPEG, and what PIL makes of them to
decode/pil.json, beside what is there. Needs Pillow 13; run it in this folder.
"""

import io
import json
import random
import struct

from PIL import Image

random.seed(1)


def noise(mode, size, smooth=4):
    small = Image.new(mode, (max(2, size[0] // smooth), max(2, size[1] // smooth)))
    bands = len(small.getbands())
    small.putdata([tuple(random.randrange(256) for _ in range(bands)) if bands > 1 else random.randrange(256) for _ in range(small.width * small.height)])
    return small.resize(size, Image.Resampling.BICUBIC)


def write(name, data):
    with open("decode/" + name, "wb") as f:
        f.write(data)


def save(name, m, **options):
    m.save("decode/" + name, **options)


def tiff(name, width, height, bits, photometric, data, extra=None, order="<"):
    """An uncompressed TIFF of one strip, as PIL does not write it."""
    samples = len(bits)
    entries = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, samples, bits), (259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, 1, None),
               (277, 3, 1, samples), (278, 3, 1, height), (279, 4, 1, len(data))]
    if extra is not None:
        entries.append((338, 3, 1, extra))
    after = 8 + 2 + 12 * len(entries) + 4
    lists = struct.pack(order + "H" * samples, *bits) if samples > 2 else b""
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, len(entries))
    for tag, kind, count, value in entries:
        out += struct.pack(order + "HHI", tag, kind, count)
        if tag == 258 and samples > 2:
            out += struct.pack(order + "I", after)
        elif tag == 258:
            out += struct.pack(order + "HH", bits[0], 0)
        elif tag == 273:
            out += struct.pack(order + "I", after + len(lists))
        else:
            out += struct.pack(order + ("HH" if kind == 3 else "I"), *((value, 0) if kind == 3 else (value,)))
    write(name, out + struct.pack(order + "I", 0) + lists + data)


save("lossy_odd.webp", noise("RGB", (21, 13)), quality=80)
save("lossy_even.webp", noise("RGB", (18, 12)), quality=60)
save("lossy_narrow.webp", noise("RGB", (1, 9), 1), quality=60)
save("lossy_alpha.webp", noise("RGBA", (15, 11)), quality=70)
save("lossless.webp", noise("RGB", (17, 9)), lossless=True)
save("lossless_alpha.webp", noise("RGBA", (9, 8)), lossless=True, exact=True)

for name, mode, options in (("animated.webp", "RGB", {"quality": 70}), ("animated_alpha.webp", "RGBA", {"quality": 70}), ("animated_lossless.webp", "RGBA", {"lossless": True, "exact": True})):
    frames = [noise(mode, (15, 11)) for _ in range(2)]
    save(name, frames[0], save_all=True, append_images=frames[1:], **options)
with open("decode/animated.webp", "rb") as f:
    data = bytearray(f.read())
data[24:30] = bytes([19, 0, 0, 15, 0, 0])  # the whole picture has 20x16 pixels
at = data.index(b"ANMF") + 8
data[at:at + 6] = bytes([2, 0, 0, 1, 0, 0])  # where the frame lies in it, in halves
write("animated_small.webp", bytes(data))

save("gray.tif", noise("L", (11, 7)))
save("bilevel.tif", noise("L", (19, 7)).convert("1"), compression="group4")
save("rgb_lzw.tif", noise("RGB", (11, 7)), compression="tiff_lzw", tiffinfo={317: 2})
save("rgb_deflate.tiff", noise("RGB", (11, 7)), compression="tiff_adobe_deflate")
save("rgb_packbits.tif", noise("RGB", (11, 7)), compression="packbits")
save("palette.tif", noise("RGB", (11, 7)).quantize(20))
save("rgba.tif", noise("RGBA", (7, 5)))
for o in range(2, 9):
    save(f"turned{o}.tif", noise("RGB", (5, 3), 1), tiffinfo={274: o})
pixels = bytes(random.randrange(256) for _ in range(4 * 35))
alphas = (0, 1, 100, 200, 255)
premultiplied = b"".join(bytes([p[0] * a // 255, p[1] * a // 255, p[2] * a // 255, a]) for p, a in ((pixels[4 * i:4 * i + 4], alphas[i % 5]) for i in range(35)))
tiff("rgba_associated.tif", 7, 5, [8] * 4, 2, premultiplied, 1)
words = [random.randrange(65536) for _ in range(105)]
tiff("rgb16.tif", 7, 5, [16] * 3, 2, struct.pack("<105H", *words))
tiff("rgb16_big_endian.tif", 7, 5, [16] * 3, 2, struct.pack(">105H", *words), order=">")
tiff("white_is_zero.tif", 7, 5, [8], 0, pixels[:35])

save("rgb.bmp", noise("RGB", (11, 7)))
save("gray.bmp", noise("L", (11, 7)))
save("palette.bmp", noise("RGB", (11, 7)).quantize(20))
save("bilevel.bmp", noise("L", (19, 7)).convert("1"))
save("rgba.bmp", noise("RGBA", (7, 5)))

m = noise("RGB", (11, 7)).quantize(20)
save("plain.gif", m)
save("transparent.gif", m, transparency=3)
save("interlaced.gif", m, interlace=1)
for name, options in (("small_frame.gif", {}), ("small_frame_transparent.gif", {"transparency": 3})):
    b = io.BytesIO()
    m.save(b, "GIF", interlace=0, **options)
    data = bytearray(b.getvalue())
    data[6:10] = struct.pack("<HH", 16, 12)  # the whole picture
    at = data.index(struct.pack("<BHHHH", 0x2C, 0, 0, 11, 7))
    data[at + 1:at + 5] = struct.pack("<HH", 3, 4)  # where the frame lies in it
    write(name, bytes(data))
frames = [noise("RGB", (9, 6)).quantize(8) for _ in range(3)]
save("animated.gif", frames[0], save_all=True, append_images=frames[1:])

with open("decode/cmyk.jpg", "rb") as f:
    data = f.read()
at = data.index(b"\xff\xee\x00\x0eAdobe")
write("cmyk_plain.jpg", data[:at] + data[at + 16:])
write("ycck.jpg", data[:at + 15] + b"\x02" + data[at + 16:])

with open("decode/pil.json") as f:
    want = json.load(f)
new = ["cmyk.jpg", "cmyk_plain.jpg", "ycck.jpg", "lossy_odd.webp", "lossy_even.webp", "lossy_narrow.webp", "lossy_alpha.webp", "lossless.webp", "lossless_alpha.webp",
       "animated.webp", "animated_alpha.webp", "animated_lossless.webp", "animated_small.webp",
       "gray.tif", "bilevel.tif", "rgb_lzw.tif", "rgb_deflate.tiff", "rgb_packbits.tif", "palette.tif", "rgba.tif", "rgba_associated.tif", "rgb16.tif", "rgb16_big_endian.tif",
       "white_is_zero.tif", "rgb.bmp", "gray.bmp", "palette.bmp", "bilevel.bmp", "rgba.bmp", "plain.gif", "transparent.gif", "interlaced.gif", "small_frame.gif",
       "small_frame_transparent.gif", "animated.gif"] + [f"turned{o}.tif" for o in range(2, 9)]
for name in new:
    rgb = Image.open("decode/" + name).convert("RGB")
    if name in want and want[name]["rgb"] != rgb.tobytes().hex():
        print("changed:", name)
    want[name] = {"width": rgb.width, "height": rgb.height, "rgb": rgb.tobytes().hex()}
with open("decode/pil.json", "w") as f:
    json.dump(want, f, indent=1, sort_keys=True)
