"""A few photos that come with scikit-image and scikit-learn, written out as what anybody's own pictures look like: a folder and a CSV.

Nothing is downloaded: these files lie inside the installed packages. Where a package is missing, its pictures are taken, smaller and
square, from the archive "photos" of the project folder. Every licence lets them be passed on: see `credits`, and NOTICE.
"""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from workbench.errors import WorkbenchError
from workbench.files import atomic, write_bytes
from workbench.shelf import archives, open_inspection

FOLDERS = {"skimage": "data", "sklearn": "datasets/images"}
CC0, CC_BY = "CC0 1.0", "CC BY 2.0"


class Photo(NamedTuple):
    """One photo.

    Attributes:
        labels: of ImageNet's thousand, as the CSV says them: several with ";" between them, "?" in front of what is debatable.
        credit: who made it; licence: under which terms it may be passed on.
    """

    file: str
    package: str
    labels: str
    credit: str
    licence: str


PHOTOS = (
    Photo("chelsea.png", "skimage", "tabby;?Egyptian cat;?tiger cat", "Stéfan van der Walt", CC0),
    Photo("coffee.png", "skimage", "espresso;cup;?coffee mug", "Rachel Michetti, courtesy of Pikolo Espresso Bar", CC0),
    Photo("astronaut.png", "skimage", "space shuttle;?flagpole", "NASA (Eileen Collins)", "public domain"),
    Photo("rocket.jpg", "skimage", "?missile;?projectile", "SpaceX", "public domain"),
    Photo("camera.png", "skimage", "tripod;?reflex camera;?trench coat", "Lav Varshney", CC0),
    Photo("clock_motion.png", "skimage", "wall clock", "Stéfan van der Walt", "public domain"),
    Photo(
        "china.jpg", "sklearn", "lakeside;?palace;?stupa;?monastery", "danielbuechele, flickr.com/photos/danielbuechele/6061409035", CC_BY
    ),
    Photo("flower.jpg", "sklearn", "?daisy", "vultilion, flickr.com/photos/vultilion/6056698931", CC_BY),
)


def write_photos(folder: str | Path) -> Path:
    """Fill a folder with the photos and ``photos.csv``, whose columns are "image" and "labels". What is there already is written again.

    Raises:
        WorkbenchError: a package is not installed, and the archive "photos" is not there either.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for photo in PHOTOS:
        source = installed(photo)
        if source is not None:
            write_bytes(folder / photo.file, source.read_bytes())
        else:
            _from_archive(photo, folder / photo.file)
    with atomic(folder / "photos.csv") as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("image", "labels"))
        writer.writerows((photo.file, photo.labels) for photo in PHOTOS)
    return folder


def installed(photo: Photo) -> Path | None:
    """Where its package keeps the photo, or None. The package is not imported."""
    found = find_spec(photo.package)
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / FOLDERS[photo.package] / photo.file
    return path if path.is_file() else None


def credits() -> list[tuple[str, str, str]]:
    """File, who made it, and its licence, for every photo."""
    return [(photo.file, photo.credit, photo.licence) for photo in PHOTOS]


def _from_archive(photo: Photo, path: Path) -> None:
    if "photos" not in archives():
        raise WorkbenchError(
            f'{photo.file} comes with {photo.package}, which is not installed, and there is no archive "photos"; run `make lab`.'
        )
    archive = open_inspection("photos")
    if photo.file not in archive.ids:
        raise WorkbenchError(f"{photo.file} comes with {photo.package}, which is not installed; run `make lab`.")
    with atomic(path) as temporary:
        archive.image(archive.position(photo.file)).save(temporary)
