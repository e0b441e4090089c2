"""Peak dense FLOP/s of cards, from NVIDIA's data sheets."""

# A part of the card's name, TFLOP/s of TF32 on tensor cores (without sparsity), and TFLOP/s of float32. The first match
# counts, so that longer names come before shorter ones.
CARDS = [
    ("H100 PCIe", 378, 51.2),
    ("H100 NVL", 417.5, 60),
    ("H100", 494.7, 66.9),
    ("H200 NVL", 417.5, 60),
    ("H200", 494.7, 66.9),
    ("H800", 494.7, 66.9),
    ("GH200", 494.7, 66.9),
    ("GB200", 1250, 80),
    ("B200", 1100, 75),
    ("A100", 156, 19.5),
    ("A800", 156, 19.5),
    ("A30", 82, 10.3),
    ("A10", 62.5, 31.2),
    ("L40S", 183, 91.6),
    ("L40", 90.5, 90.5),
    ("L4", 60, 30.3),
    ("RTX 4090", 82.6, 82.6),
    ("RTX 3090", 35.6, 35.6),
    ("V100", 15.7, 15.7),  # no TF32
    ("T4", 8.1, 8.1),
]


def peak(card, tf32):
    """Peak FLOP/s of a card, or None if it is not in the table."""
    for name, fast, plain in CARDS:
        if name in card:
            return (fast if tf32 else plain) * 1e12
    return None


def share(flop, seconds, card, tf32):
    """The share of the card's peak as text, or "" if the peak is unknown."""
    top = peak(card, tf32)
    return f"{100 * flop / seconds / top:.0f} %" if top and flop else ""
