"""Writes published/: tiny data sets in exactly the published formats. Needs numpy
and Pillow; run it in this folder. Pictures have known colours (colour below).
"""

import io
import json
import os
import pickle
import shutil
import struct
import tarfile

import numpy as np
from PIL import Image

shutil.rmtree("published", ignore_errors=True)


def path(*parts):
    p = os.path.join("published", *parts)
    os.makedirs(os.path.dirname(p), exist_ok=True)
    return p


def colour(k):
    return (10 * k % 256, 100, 200 - k)


def save(k, *parts, size=(24, 16), **options):
    Image.new("RGB", size, colour(k)).save(path(*parts), **options)


class Python2(pickle._Pickler):
    """Writes strings as Python 2 did: the published CIFAR files are from it."""

    dispatch = dict(pickle._Pickler.dispatch)

    def string(self, obj):
        data = obj if isinstance(obj, bytes) else obj.encode("latin1")
        self.write(pickle.SHORT_BINSTRING + bytes([len(data)]) if len(data) < 256 else pickle.BINSTRING + struct.pack("<i", len(data)))
        self.write(data)
        self.memoize(obj)

    dispatch[bytes] = dispatch[str] = string


def dump(obj, *parts, writer=Python2):
    with open(path(*parts), "wb") as f:
        writer(f, 2).dump(obj)


def planes(k):  # picture k: red 10k, green a row number, blue a column number
    red = np.full((32, 32), 10 * k % 256)
    rows, columns = np.mgrid[0:32, 0:32]
    return np.stack([red, rows, columns]).astype(np.uint8).reshape(-1)


names10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
for i, name in enumerate(["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]):
    data, labels = np.stack([planes(2 * i), planes(2 * i + 1)]), [i, 9 - i]
    # The last file is as Python 3 would write it anew.
    dump({"batch_label": name, "labels": labels, "data": data, "filenames": ["a.png", "b.png"]}, "cifar-10-batches-py", name,
         writer=pickle.Pickler if name == "test_batch" else Python2)
    with open(path("cifar-10-batches-bin", name + ".bin"), "wb") as f:
        f.write(b"".join(bytes([l]) + d.tobytes() for l, d in zip(labels, data)))
dump({"num_cases_per_batch": 10000, "label_names": names10, "num_vis": 3072}, "cifar-10-batches-py", "batches.meta")
with open(path("cifar-10-batches-bin", "batches.meta.txt"), "w") as f:
    f.write("\n".join(names10) + "\n\n")

fine, coarse = [f"fine{i}" for i in range(100)], [f"coarse{i}" for i in range(20)]
for name in ("train", "test"):
    data, labels = np.stack([planes(3), planes(4)]), [99, 7]
    dump({"filenames": ["a", "b"], "batch_label": name, "fine_labels": labels, "coarse_labels": [1, 2], "data": data}, "cifar-100-python", name)
    with open(path("cifar-100-binary", name + ".bin"), "wb") as f:
        f.write(b"".join(bytes([c, l]) + d.tobytes() for c, l, d in zip([1, 2], labels, data)))
dump({"fine_label_names": fine, "coarse_label_names": coarse}, "cifar-100-python", "meta")
with open(path("cifar-100-binary", "fine_label_names.txt"), "w") as f:
    f.write("\n".join(fine) + "\n")


def stl(k):  # columns first: [3, column, row]
    columns, rows = np.mgrid[0:96, 0:96]
    return np.stack([np.full((96, 96), k), rows, columns]).astype(np.uint8).tobytes()


for name, pictures, labels in (("train", [1, 2], [1, 10]), ("test", [3], [4]), ("unlabeled", [5, 6], None)):
    with open(path("stl10_binary", name + "_X.bin"), "wb") as f:
        f.write(b"".join(map(stl, pictures)))
    if labels:
        with open(path("stl10_binary", name + "_y.bin"), "wb") as f:
            f.write(bytes(labels))

tiny = "tiny-imagenet-200"
for c, synset in enumerate(["n01443537", "n01629819"]):
    for k in range(2):
        save(10 * c + k, tiny, "train", synset, "images", f"{synset}_{k}.JPEG", size=(64, 64))
    with open(path(tiny, "train", synset, f"{synset}_boxes.txt"), "w") as f:
        f.write(f"{synset}_0.JPEG\t0\t0\t63\t63\n")
for k in range(3):
    save(20 + k, tiny, "val", "images", f"val_{k}.JPEG", size=(64, 64))
with open(path(tiny, "val", "val_annotations.txt"), "w") as f:
    f.write("val_1.JPEG\tn01629819\t0\t32\t44\t62\nval_0.JPEG\tn01629819\t52\t55\t57\t59\nval_2.JPEG\tn01443537\t4\t0\t60\t55\n")

synsets = ["n01440764", "n01443537", "n01484850"]
for c, synset in enumerate(synsets):
    for k in range(2):
        save(10 * c + k, "imagenet", "train", synset, f"{synset}_{k}.JPEG")
for k in range(3):
    save(30 + k, "imagenet", "val", f"ILSVRC2012_val_0000000{k + 1}.JPEG")
with open(path("imagenet", "LOC_val_solution.csv"), "w") as f:
    f.write("ImageId,PredictionString\nILSVRC2012_val_00000002,n01440764 1 2 3 4 n01440764 5 6 7 8 \nILSVRC2012_val_00000001,n01484850 1 2 3 4 \nILSVRC2012_val_00000003,n01443537 1 2 3 4 \n")
with open(path("imagenet", "numbers.txt"), "w") as f:  # Caffe's val.txt
    f.write("".join(f"ILSVRC2012_val_0000000{k + 1}.JPEG {n}\n" for k, n in enumerate([2, 0, 1])))
with open(path("imagenet", "synsets.txt"), "w") as f:
    f.write("n01484850\nn01440764\nn01443537\n")

classes = ["airplane", "banana", "bear", "bed", "bench", "bird", "boat", "broccoli", "bus", "cat", "clock", "cow", "dog", "elephant", "fire hydrant", "giraffe", "horse", "motorcycle", "person",
           "pizza", "scissors", "sink", "stop sign", "teddy bear", "toilet", "traffic light", "train", "truck", "vase", "zebra"]
categories = [{"supercategory": "thing", "id": 100 + i, "name": n} for i, n in enumerate(classes + ["spoon"])]
images, annotations = [], []
for k, objects in enumerate([["zebra"], ["cat", "dog"], ["cat"], [], ["spoon"], ["person"]]):
    name = f"{k:012d}.jpg"
    m = Image.new("RGB", (40, 30), (0, 0, 200))
    m.paste((200, 0, 0), (10, 5, 30, 25))
    m.save(path("coco", "train2017", name), quality=100, subsampling=0)
    images.append({"license": 1, "file_name": name, "height": 30, "width": 40, "id": 500 + k})
    for o in objects:
        annotations.append({"segmentation": [[10, 5, 30, 5, 30, 25]], "area": 400.0, "iscrowd": 0, "image_id": 500 + k, "bbox": [10.2, 4.9, 19.9, 20.0],
                            "category_id": next(c["id"] for c in categories if c["name"] == o), "id": 9000 + len(annotations)})
os.makedirs("published/coco/annotations")
with open(path("coco", "annotations", "instances_train2017.json"), "w") as f:
    json.dump({"info": {"year": 2017}, "licenses": [{"id": 1}], "images": images, "annotations": annotations, "categories": categories}, f)


def jpeg(k):
    b = io.BytesIO()
    Image.new("RGB", (24, 16), colour(k)).save(b, "JPEG", quality=100)
    return b.getvalue()


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


for shard in range(2):
    with tarfile.open(path("shards", f"train-{shard:03d}.tar"), "w") as tar:
        for k in range(2):
            add(tar, f"./sample{k}.jpg", jpeg(4 * shard + k))
            if shard == 0:
                add(tar, f"./sample{k}.cls", f"{(2, 10)[k]}\n".encode())
            else:
                add(tar, f"./sample{k}.json", json.dumps({"label": (2, 0)[k], "caption": "a colour"}).encode())
with tarfile.open(path("shards-folders", "train.tar"), "w", format=tarfile.PAX_FORMAT) as tar:
    for k, c in enumerate(["cats", "dogs", "dogs"]):
        add(tar, f"pictures/{c}/" + "long" * 40 + f"{k}.png", jpeg(k))
