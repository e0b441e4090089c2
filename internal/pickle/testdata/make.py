"""Writes pickles.json: values in each protocol of Python's pickle."""

import base64
import collections
import json
import os
import pickle


class Exit:
    def __reduce__(self):
        return (os.system, ("exit 1",))


loop = [1]
loop.append(loop)
ordered = collections.OrderedDict(x=7)
values = {
    "scalars": (None, True, False, 0, 255, 65535, -1, 1 << 40, -(1 << 63), (1 << 63) - 1, 1.5, -0.25),
    "texts": ("", "a\\b'\n", "ü€𝄞"),
    "lists": [1, (), (1,), (1, 2, 3, 4), []],
    "dict": {"a": 1, 2: {}},
    "self": loop,
    "bytes": b"\x00\xffab",
    "ordered": ordered,
    "exit": Exit(),
}
with open("testdata/pickles.json", "w") as f:
    json.dump([{"name": k, "protocol": p, "data": base64.b64encode(pickle.dumps(v, p)).decode()} for k, v in values.items() for p in range(6)], f)
