"""Exports of other programs: each in two or three of its dialects, read by name and recognised, the same labels and boxes."""

import io
import json
import os
import tarfile

import numpy as np
import pytest
from PIL import Image

from workbench.datasets import load_dataset
from workbench.datasets.formats import FORMATS, recognise
from workbench.errors import DataWarning, WorkbenchError

SIZE = (8, 6)  # width, height
BOX = (2.0, 3.0, 6.0, 6.0)


def picture(path, kind=None, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, (10, 20, 30)).save(path, kind, **options)


def text(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def imagefolder(root):
    picture(root / "dog" / "a.png")
    picture(root / "cat" / "b.JPG", "JPEG")


def imagefolder_in_splits(root):
    picture(root / "train" / "dog" / "a.png")
    picture(root / "val" / "cat" / "b.jpeg", "JPEG")


def yolo(root):
    """As Ultralytics documents it."""
    text(root / "data.yaml", "path: ../mine  # where\ntrain: images/train\nval: images/val\n\nnames:\n  0: cat\n  1: dog\n")
    for split, name, line in (("train", "a", "1 0.5 0.75 0.5 0.5\n"), ("val", "b", "0 0.5 0.5 1 1\n")):
        picture(root / "images" / split / f"{name}.png")
        text(root / "labels" / split / f"{name}.txt", line)


def yolo_of_roboflow(root):
    text(root / "data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: ['cat', \"dog\"]\n")
    for split, name, line in (("train", "a", "1 0.25 0.5 0.75 0.5 0.75 1 0.25 1\n"), ("valid", "b", "0 0.5 0.5 1 1\n")):  # a polygon
        picture(root / split / "images" / f"{name}.jpg")
        text(root / split / "labels" / f"{name}.txt", line)


def yolo_of_label_studio(root):
    text(root / "classes.txt", "cat\ndog\n")
    for name, line in (("a", "1 0.5 0.75 0.5 0.5\n"), ("b", "0 0.5 0.5 1 1\n")):
        picture(root / "images" / f"{name}.png")
        text(root / "labels" / f"{name}.txt", line)


def xml_of(name, label, corners=(3, 4, 6, 6)):
    sides = "".join(f"<{side}>{value}</{side}>" for side, value in zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True))
    return (
        f"<annotation><folder>x</folder><filename>{name}</filename><path>C:\\x\\{name}</path><size><width>8</width><height>6</height></size>"
        f"<object><name>{label}</name><bndbox>{sides}</bndbox></object></annotation>"
    )


def labelimg(root):
    picture(root / "a.png")
    picture(root / "b.JPG", "JPEG")
    text(root / "a.xml", xml_of("a.png", "dog"))
    text(root / "b.xml", xml_of("before it was renamed.jpg", "cat"))


def voc_layout(root):
    for name, label, ending in (("a", "dog", "png"), ("b", "cat", "jpg")):
        picture(root / "JPEGImages" / f"{name}.{ending}")
        text(root / "Annotations" / f"{name}.xml", xml_of(f"{name}.{ending}", label))
    text(root / "ImageSets" / "Main" / "train.txt", "a\n")


def openimages(root):
    text(root / "class-descriptions.csv", "/m/1,cat\n/m/2,dog\n")
    text(
        root / "train-annotations-human-imagelabels.csv",
        "ImageID,Source,LabelName,Confidence\na,verification,/m/2,1\na,verification,/m/1,0\nb,verification,/m/1,1\nb,verification,/m/2,0\n",
    )
    text(root / "train-annotations-bbox.csv", "ImageID,LabelName,Confidence,XMin,XMax,YMin,YMax\na,/m/2,1,0.25,0.75,0.5,1\n")
    picture(root / "a.jpg")
    picture(root / "b.jpg")


def shard(root, parts):
    root.mkdir(exist_ok=True)
    with tarfile.open(root / "train-0000.tar", "w") as taped:
        for name, content in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            taped.addfile(info, io.BytesIO(content))


def png():
    held = io.BytesIO()
    Image.new("RGB", SIZE).save(held, "PNG")
    return held.getvalue()


def webdataset(root):
    shard(root, {"a.png": png(), "a.cls": b"1", "b.png": png(), "b.cls": b"0\n"})
    text(root / "classes.txt", "cat\ndog\n")


def webdataset_json(root):
    shard(root, {"x/a.png": png(), "x/a.json": b'{"labels": ["dog"]}', "x/b.png": png(), "x/b.txt": b"cat"})


def roboflow(root):
    categories = [{"id": 0, "name": "pets", "supercategory": "none"}]
    categories += [{"id": 1, "name": "cat", "supercategory": "pets"}, {"id": 2, "name": "dog", "supercategory": "pets"}]
    for split, name, category in (("train", "a", 2), ("valid", "b", 1)):
        picture(root / split / f"{name}.jpg")
        text(
            root / split / "_annotations.coco.json",
            {
                "images": [{"id": 0, "file_name": f"{name}.jpg", "height": 6, "width": 8}],
                "categories": categories,
                "annotations": [{"id": 0, "image_id": 0, "category_id": category, "bbox": [2, 3, 4, 3]}],
            },
        )


VALUE = {"x": 25, "y": 50, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["dog"]}


def labelstudio(root):
    tasks = [
        {
            "id": 1,
            "data": {"image": "/data/local-files/?d=photos%5Cmy%20a.png"},
            "annotations": [{"was_cancelled": True, "result": [{"value": {"choices": ["cat"]}}]}, {"result": [{"value": VALUE}]}],
        },
        {"id": 2, "data": {"image": "file:///C:/x/photos/b.png"}, "annotations": [{"result": [{"value": {"choices": ["cat"]}}]}]},
    ]
    text(root / "project.json", tasks)
    picture(root / "photos" / "my a.png")
    picture(root / "photos" / "b.png")


def labelstudio_min(root):
    rows = [
        {"image": "..\\..\\photos\\a.png", "label": [VALUE], "id": 1},
        {"image": "/data/upload/1/0123abcd-b.png", "choice": "cat", "id": 2},
    ]
    text(root / "min.json", rows)
    picture(root / "photos" / "a.png")
    picture(root / "b.png")


def cvat(root):
    text(
        root / "annotations.xml",
        '<?xml version="1.0"?><annotations><meta><task><labels><label><name>cat</name></label><label><name>dog</name>'
        '</label></labels></task></meta><image id="0" name="a.png" subset="train" width="8" height="6"><box label="dog" xtl="2" '
        'ytl="3" xbr="6" ybr="6"/></image><image id="1" name="sub/b.png" subset="val" width="8" height="6"><tag label="cat"/></image>'
        "</annotations>",
    )
    picture(root / "images" / "a.png")
    picture(root / "images" / "sub" / "b.png")


def fiftyone(root):
    samples = [
        {
            "filepath": "data/a.png",
            "tags": ["train"],
            "ground_truth": {"detections": [{"label": "dog", "bounding_box": [0.25, 0.5, 0.5, 0.5]}]},
        },
        {"filepath": "data/b.png", "tags": ["val"], "ground_truth": {"label": "cat"}},
    ]
    text(root / "samples.json", {"samples": samples})
    text(root / "metadata.json", {})
    picture(root / "data" / "a.png")
    picture(root / "data" / "b.png")


def fiftyone_detections(root):
    labels = {"a": [{"label": 1, "bounding_box": [0.25, 0.5, 0.5, 0.5]}], "b": [{"label": "cat", "bounding_box": [0, 0, 1, 1]}]}
    text(root / "labels.json", {"classes": ["cat", "dog"], "labels": labels})
    picture(root / "data" / "a.jpg")
    picture(root / "data" / "b.jpg")


def fiftyone_classes(root):
    text(root / "labels.json", {"classes": ["cat", "dog"], "labels": {"a": 1, "b": [0]}})
    picture(root / "data" / "a.jpg")
    picture(root / "data" / "b.jpg")


DIALECTS = {
    imagefolder: "imagefolder", imagefolder_in_splits: "imagefolder", yolo: "yolo", yolo_of_roboflow: "yolo", yolo_of_label_studio: "yolo",
    labelimg: "vocxml", voc_layout: "vocxml", openimages: "openimages", webdataset: "webdataset", webdataset_json: "webdataset",
    labelstudio: "labelstudio", labelstudio_min: "labelstudio", cvat: "cvat", fiftyone: "fiftyone", fiftyone_detections: "fiftyone",
    fiftyone_classes: "fiftyone",
}  # fmt: skip
BOXES = {yolo, yolo_of_roboflow, yolo_of_label_studio, labelimg, voc_layout, openimages, labelstudio, labelstudio_min, cvat, fiftyone,
         fiftyone_detections}  # fmt: skip


def test_every_format_has_a_case():
    assert {*DIALECTS.values(), "roboflow"} == set(FORMATS)


@pytest.mark.parametrize("make", DIALECTS, ids=lambda make: make.__name__)
@pytest.mark.parametrize("named", [True, False])
def test_an_export_is_read(make, named, tmp_path):
    root = tmp_path / "mine"
    make(root)
    name = DIALECTS[make]
    assert recognise(root) == name
    data = load_dataset(name if named else "auto", "all", root)
    assert list(data.categories) == ["cat", "dog"]
    assert len(data) == 2
    by_name = {identifier.rpartition("/")[2].rpartition(".")[0].removeprefix("my "): row for row, identifier in enumerate(data.ids)}
    a, b = by_name["a"], by_name["b"]
    assert data.targets[[a, b]].tolist() == [[0, 1], [1, 0]]
    assert data.image(a).shape == data.image(b).shape == (6, 8, 3)
    boxes = data.regions(a)
    assert [(region.category, region.box) for region in boxes] == ([("dog", BOX)] if make in BOXES else [])
    assert not data.notes or all("taken to be" in note or "matched" in note for note in data.notes)


@pytest.mark.parametrize(
    ("make", "split", "ids"),
    [
        (imagefolder_in_splits, "train", ["dog/a.png"]),
        (yolo, "val", ["images/val/b.png"]),
        (yolo_of_roboflow, "val", ["valid/images/b.jpg"]),
        (voc_layout, "train", ["JPEGImages/a.png"]),
        (openimages, "train", ["a.jpg", "b.jpg"]),
        (webdataset, "train", ["a.png", "b.png"]),
        (cvat, "val", ["images/sub/b.png"]),
        (fiftyone, "val", ["data/b.png"]),
    ],
)
def test_splits(make, split, ids, tmp_path):
    make(tmp_path / "mine")
    data = load_dataset("auto", split, tmp_path / "mine")
    assert data.ids == ids
    if make is not fiftyone and make is not voc_layout:  # they name no classes, so a split has those that occur in it
        assert list(data.categories) == ["cat", "dog"]
    with pytest.raises(WorkbenchError, match="nosplit"):
        load_dataset("auto", "nosplit", tmp_path / "mine")


def test_the_root_category_of_roboflow_is_left_out_and_said(tmp_path):
    roboflow(tmp_path)
    assert recognise(tmp_path) == "roboflow"
    with pytest.warns(DataWarning, match='"pets" stands for all others and no image has it; it is left out'):
        data = load_dataset("auto", "train", tmp_path)
    assert list(data.categories) == ["cat", "dog"]
    assert data.targets.tolist() == [[0, 1]]
    assert data.regions(0)[0].box == BOX
    with pytest.warns(DataWarning, match="left out"):
        assert load_dataset("roboflow", "val", tmp_path).targets.tolist() == [[1, 0]]
    with pytest.raises(WorkbenchError, match='no folder "test"'):
        load_dataset("roboflow", "test", tmp_path)


def test_what_nobody_annotated_is_unknown(tmp_path):
    labelstudio(tmp_path)
    tasks = json.loads((tmp_path / "project.json").read_text())
    tasks.append({"id": 3, "data": {"image": "photos/c.png"}, "annotations": []})
    picture(tmp_path / "photos" / "c.png")
    text(tmp_path / "project.json", tasks)
    assert load_dataset("labelstudio", "all", tmp_path).targets.tolist() == [[0, 1], [1, 0], [-1, -1]]
    openimages(tmp_path / "open")
    text(tmp_path / "open" / "train-annotations-human-imagelabels.csv", "ImageID,Source,LabelName,Confidence\na,x,/m/2,1\nb,x,/m/1,1\n")
    assert load_dataset("openimages", "all", tmp_path / "open").targets.tolist() == [[-1, 1], [1, -1]]


@pytest.mark.parametrize(
    ("make", "file", "change", "sentence"),
    [
        (yolo, "labels/train/a.txt", "1 0.5 x 1 1", "a.txt, line 1: .* is not a class and a box"),
        (yolo, "labels/train/a.txt", "7 0.5 0.5 1 1", "class 7, but 2 classes have names"),
        (yolo, "labels/train/a.txt", "1 250 300 100 100", "in shares of the picture"),
        (yolo, "data.yaml", "train: x\n", "names no classes"),
        (yolo, "data.yaml", "names:\n  0: cat\n  5: dog\n", "not from 0 on without gaps"),
        (labelimg, "a.xml", "<annotation>", "cannot be read as an annotation file"),
        (labelimg, "a.xml", '<!DOCTYPE a [<!ENTITY x "y">]><annotation/>', "declares a document type"),
        (cvat, "annotations.xml", "<annotations><meta/></annotations>", "no image of the split"),
        (cvat, "annotations.xml", "<annotations><track/></annotations>", "holds tracks of a video"),
        (yolo, "data.yaml", "all: x\nnames: {0: cat, 0: dog, 2: cow}\n", "not from 0 on without gaps"),
        (openimages, "train-annotations-bbox.csv", "ImageID,LabelName,Confidence\na,/m/2,0.7\n", "Confidence is '0.7', not 0 or 1"),
        (labelstudio, "project.json", "[", "is not whole JSON"),
        (labelstudio, "project.json", '{"a": 1}', "not a list of tasks"),
        (labelstudio, "project.json", '[{"id": 3, "choice": "cat"}]', "task 3 .*has no file name"),
        (
            fiftyone,
            "samples.json",
            '{"samples": [{"x": {"label": "a"}, "y": {"label": "b"}}]}',
            "labels in x, y; name one",
        ),
        (fiftyone_classes, "labels.json", '{"classes": ["a"], "labels": {"a": 4}}', "has the label 4"),
        (webdataset, "classes.txt", "cat\n", "has the class '1'"),
        (webdataset, "train-0000.tar", "no tar at all" * 100, "cannot be read as a tar"),
    ],
)
def test_a_damaged_export_is_one_sentence(make, file, change, sentence, tmp_path):
    make(tmp_path)
    (tmp_path / file).write_text(change)
    with pytest.raises(WorkbenchError, match=sentence) as caught:
        load_dataset(DIALECTS[make], "all", tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_what_is_not_recognised(tmp_path):
    with pytest.raises(WorkbenchError, match="holds nothing that is recognised; known are imagefolder"):
        load_dataset("auto", "all", tmp_path)
    with pytest.raises(WorkbenchError, match="There is nothing at"):
        load_dataset("auto", "all", tmp_path / "gone")
    with pytest.raises(WorkbenchError, match="no usual place"):
        load_dataset("yolo", "all")
    labelimg(tmp_path)
    with pytest.raises(WorkbenchError, match='no option "lables"'):
        load_dataset("vocxml", "all", tmp_path, lables=1)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX's")
@pytest.mark.parametrize("name", ["a.csv", "a.xml", "a.tar", "a.json", "data.yaml", "samples.json", "a/b.jpg"])
def test_nothing_waits_for_a_pipe(name, tmp_path):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    os.mkfifo(tmp_path / name)
    with pytest.raises(WorkbenchError):
        load_dataset("auto", "all", tmp_path).image(0)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_turn_with_a_picture_that_lies_on_its_side(orientation, tmp_path):
    """The object is one bright block; wherever the picture turns it, the box is around it, or there is none."""
    stored = np.zeros((6, 8, 3), np.uint8)
    stored[3:6, 2:6] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    text(tmp_path / "a.xml", xml_of("a.png", "dog"))
    data = load_dataset("vocxml", "all", tmp_path)
    if 2 <= orientation <= 4:  # nothing tells whether the box was drawn before or after turning
        with pytest.warns(DataWarning, match="boxes are left out"):
            assert data.regions(0) == []
        return
    (region,) = data.regions(0)
    rows, columns = np.nonzero(data.image(0)[..., 0] > 128)
    assert region.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_boxes_that_were_drawn_on_the_upright_picture_stay(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (6, 8)).save(tmp_path / "a.png", exif=exif)  # 8 x 6 once upright
    text(tmp_path / "a.xml", xml_of("a.png", "dog"))
    assert load_dataset("vocxml", "all", tmp_path).regions(0)[0].box == BOX
    Image.new("RGB", (80, 60)).save(tmp_path / "a.png")
    data = load_dataset("vocxml", "all", tmp_path)
    with pytest.warns(DataWarning, match="a picture of another size"):
        assert data.regions(0) == []
    assert data.targets.tolist() == [[1]]
