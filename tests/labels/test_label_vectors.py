import gzip

import numpy as np
import pytest

from workbench.categories import Categories
from workbench.datasets.scenes.rules import CATEGORIES as SCENES
from workbench.datasets.voc import CATEGORIES as VOC
from workbench.errors import WorkbenchError
from workbench.labels import LabelVectors
from workbench.labels.ship import labels
from workbench.labels.vectors import nearest

TEXT = "the 9 9 9\ntraffic 1 2 3\nlight 3 4 -5\nsun 0.5 0 1e-3\ntrucks 7 7 7\ntruce 7 7 7\n"


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(TEXT)
    return path


def test_labels_are_found_by_name_whatever_the_order(words):
    vectors = LabelVectors.from_text(words, Categories(["sun", "the"]))
    np.testing.assert_allclose(vectors.values, [[0.5, 0, 1e-3], [9, 9, 9]])
    assert vectors.width == 3


def test_a_label_of_several_words_is_their_mean_and_says_so(words):
    vectors = LabelVectors.from_text(words, Categories(["traffic light", "trafficLight", "sun"]))
    np.testing.assert_allclose(vectors.values[:2], [[2, 3, -1], [2, 3, -1]])
    assert vectors.averaged == dict.fromkeys(("traffic light", "trafficLight"), ("traffic", "light"))
    assert "traffic light = mean of traffic, light" in vectors.describe()


def test_a_phrase_that_the_file_has_is_taken_whole(words):
    words.write_text(TEXT + "traffic_light 8 8 8\n")
    vectors = LabelVectors.from_text(words, Categories(["traffic light"]))
    assert vectors.values.tolist() == [[8, 8, 8]]
    assert not vectors.averaged


def test_word2vec_header_and_gzip_are_read(tmp_path):
    path = tmp_path / "words.gz"
    path.write_bytes(gzip.compress(("6 3\n" + TEXT).encode()))
    assert LabelVectors.from_file(path, Categories(["sun"])).values[0].tolist() == pytest.approx([0.5, 0, 1e-3])


def test_a_missing_word_names_near_ones(words):
    with pytest.raises(WorkbenchError, match=r'no vector for the word "truck".*Near words there: (trucks, truce|truce, trucks)\.'):
        LabelVectors.from_text(words, Categories(["sun", "truck"]))
    with pytest.raises(WorkbenchError, match='the word "lights" of "traffic lights"'):
        LabelVectors.from_text(words, Categories(["traffic lights"]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"sun 1 2 3\nthe 1 2\n", 'line 2: "the" has 2 numbers instead of 3'),
        (b"sun 1 2 three\nthe 1 2 3\n", 'line 1: the vector of "sun" is not all numbers'),
        (b"\x80\x04\x95 pickle \n", "is binary"),
        (b"sun 1 \x00\x01\n", "is binary"),
        (b"sun 1 2\n\xff\xfe 1 2\n", "not text in UTF-8"),
        (b"", "is empty"),
        (b"just words\n", "holds no word vectors"),
        (gzip.compress(TEXT.encode() * 50, mtime=0)[:-20], "cannot be read to its end"),
        (b"\x1f\x8bnot gzip at all", "cannot be read to its end"),
        (b"sun nan 2\nthe 1 2\n", 'vector of "sun" holds numbers that are not finite'),
    ],
)
def test_a_bad_file_is_a_sentence(tmp_path, content, message):
    path = tmp_path / "bad"
    path.write_bytes(content)
    with pytest.raises(WorkbenchError, match=message) as caught:
        LabelVectors.from_file(path, Categories(["sun", "the"]))
    assert "\n" not in str(caught.value)


def test_another_width_is_refused(words):
    with pytest.raises(WorkbenchError, match="width 3, and 300 is expected"):
        LabelVectors.from_file(words, Categories(["sun"]), width=300)


def test_they_survive_their_file_and_are_matched_by_name(tmp_path, words):
    vectors = LabelVectors.from_text(words, Categories(["traffic light", "sun"]))
    path = vectors.save(tmp_path / "v.safetensors")
    again = LabelVectors.from_file(path, Categories(["sun", "traffic light"]))
    np.testing.assert_array_equal(again.values, vectors.values[::-1])
    assert again.averaged == vectors.averaged
    with pytest.raises(WorkbenchError, match=r'There is no vector for "sum".*Did you mean "sun"'):
        LabelVectors.from_file(path, Categories(["sum"]))
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(WorkbenchError, match="cannot be read as label vectors"):
        LabelVectors.from_file(path, Categories(["sun"]))


def test_vectors_of_another_number_of_labels_are_refused():
    with pytest.raises(WorkbenchError, match=r"2 labels take floats \[2, width\]"):
        LabelVectors(Categories(["a", "b"]), np.zeros((3, 4)))


def test_the_shipped_file_has_every_label_and_knows_what_is_alike():
    every = LabelVectors.shipped(labels())
    assert every.values.shape == (192, 384)
    assert np.linalg.norm(every.values, axis=1) == pytest.approx(6, abs=0.01)
    for name, like in (("sofa", "couch"), ("pottedplant", "potted plant"), ("aeroplane", "plane"), ("tvmonitor", "tv")):
        assert nearest(every, name, 1)[0][0] == like
    for categories in (SCENES, VOC):
        assert LabelVectors.shipped(categories).values.shape == (len(categories), 384)
