"""Odd and hostile pictures: upright, bounded RGB, or Unreadable with the reason."""

import hashlib
import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from drawn import encoded, png
from PIL import Image

from sharedspace import images
from sharedspace.errors import Unreadable

ORIENTATION = 0x0112
# What a viewer does with the stored pixels (h, w, 3), by the EXIF standard: 6 is a camera held to the left.
UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored.swapaxes(0, 1)[::-1, ::-1],
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[ORIENTATION] = orientation
    return tags.tobytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def declared_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_the_id_is_the_sha256_of_the_bytes():
    data = png("blue")

    assert images.decode(data, "a.png").id == images.fingerprint(data) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_all_eight_exif_orientations_are_made_upright(orientation: int, format: str):
    stored = noise(9, 5)
    options = {"lossless": True} if format == "WEBP" else {}
    picture = images.decode(encoded(Image.fromarray(stored), format, exif=exif(orientation), **options), "turned")

    expected = UPRIGHT[orientation](stored)
    assert (np.asarray(picture.image) == expected).all()
    assert (picture.height, picture.width) == expected.shape[:2]


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("size", [(2400, 1600), (2050, 2049), (2689, 2690)])
def test_a_large_jpeg_reports_its_own_upright_size_though_it_is_decoded_smaller(
    orientation: int, size: tuple[int, int]
):
    data = encoded(Image.new("RGB", size, "red"), "JPEG", exif=exif(orientation))
    picture = images.decode(data, "large.jpg")

    assert (picture.width, picture.height) == (size if orientation < 5 else size[::-1])
    assert 3 * 224 <= min(picture.image.size) < 6 * 224


@pytest.mark.parametrize(("side", "shorter"), [(64, 600), (200, 600), (224, 1200), (700, 2400)])
def test_a_large_jpeg_keeps_three_times_what_a_model_reads(side: int, shorter: int):
    data = encoded(Image.new("RGB", (3000, 2400), "red"), "JPEG")

    assert min(images.decode(data, "large.jpg", side).image.size) == shorter


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1), (3000, 10)])
def test_extreme_shapes_are_taken(size: tuple[int, int]):
    picture = images.decode(png("red", size), "odd.png")

    assert (picture.width, picture.height) == size
    assert (np.asarray(picture.image) == [255, 0, 0]).all()
    assert max(Image.open(io.BytesIO(images.thumbnail(picture.image))).size) <= images.THUMB_SIDE


def test_cmyk_becomes_the_same_colour_in_rgb():
    data = encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100)  # no cyan, all else: red

    picture = images.decode(data, "print.jpg")
    assert picture.image.mode == "RGB"
    np.testing.assert_allclose(np.asarray(picture.image).mean(axis=(0, 1)), [255, 0, 0], atol=3)


@pytest.mark.parametrize("byteorder", ["<u2", ">u2"])
@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_mean(byteorder: str, format: str):
    values = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(byteorder)
    if format == "TIFF":
        mode = "I;16B" if byteorder == ">u2" else "I;16"
        image = Image.frombytes(mode, (32, 32), values.tobytes())
    else:
        image = Image.fromarray(values.astype(np.uint16))

    picture = images.decode(encoded(image, format), "deep")
    np.testing.assert_allclose(np.asarray(picture.image).mean(), 127.5, atol=1)
    assert np.asarray(picture.image)[0, 0].tolist() == [0, 0, 0]
    assert np.asarray(picture.image)[-1, -1].tolist() == [255, 255, 255]


def test_transparent_pixels_are_white_whatever_colour_hides_in_them():
    hidden = np.zeros((4, 4, 4), dtype=np.uint8)
    hidden[..., 0] = 255  # red
    hidden[:2, :, 3] = 255  # upper half opaque
    rgba = Image.fromarray(hidden)
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 255, 0, 255, 0, 0])
    palette.paste(0, (0, 2, 4, 4))

    for data in (
        encoded(rgba, "PNG"),
        encoded(palette, "PNG", transparency=0),
        encoded(palette, "GIF", transparency=0),
    ):
        pixels = np.asarray(images.decode(data, "seen through").image)
        assert (pixels[:2] == [255, 0, 0]).all()
        assert (pixels[2:] == [255, 255, 255]).all()


@pytest.mark.parametrize("depth", [8, 16])
def test_grey_with_one_transparent_value_is_taken(depth: int):
    top = 2**depth - 1
    rows = b"".join(b"\0" + struct.pack(">4H" if depth == 16 else ">4B", *([value] * 4)) for value in (0, 0, top, top))
    header = struct.pack(">IIBBBBB", 4, 4, depth, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"tRNS", struct.pack(">H", top))
    data += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")

    pixels = np.asarray(images.decode(data, "grey.png").image)
    assert (pixels[:2] == 0).all()
    assert (pixels[2:] == 255).all()


@pytest.mark.parametrize("mode", ["F", "I"])
def test_numbers_of_any_range_are_seen_from_black_to_white(mode: str):
    ramp = np.linspace(0, 1 if mode == "F" else 255, 32 * 32).reshape(32, 32)
    data = encoded(Image.fromarray(ramp.astype(np.float32 if mode == "F" else np.int32)), "TIFF")

    grey = np.asarray(images.decode(data, "measured.tif").image)[..., 0]
    assert (grey.min(), grey.max()) == (0, 255)
    np.testing.assert_allclose(grey, ramp / ramp.max() * 255, atol=1.01)


def test_a_pixel_that_is_no_number_blackens_no_others():
    ramp = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(32, 32)
    ramp[3, 3], ramp[4, 4] = np.nan, np.inf
    grey = np.asarray(images.decode(encoded(Image.fromarray(ramp), "TIFF"), "measured.tif").image)[..., 0]
    assert (grey[3, 3], grey[4, 4], grey[31, 31], grey[16, 0]) == (0, 255, 255, 127)

    with pytest.raises(Unreadable, match="no pixel is a number"):
        images.decode(encoded(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"), "empty.tif")


def test_a_large_picture_is_reduced_whatever_its_format():
    picture = images.decode(png("red", (6000, 4100)), "large.png", 224)

    assert (picture.width, picture.height) == (6000, 4100)
    assert picture.image.size == (2000, 1367)
    assert (np.asarray(picture.image) == [255, 0, 0]).all()


def test_large_pictures_are_decoded_one_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(images, "LARGE", 100 * 100)
    inside, most, convert = [], [], images._rgb

    def watched(image: Image.Image) -> Image.Image:
        inside.append(image)
        most.append(len(inside))
        time.sleep(0.02)
        found = convert(image)
        inside.remove(image)
        return found

    monkeypatch.setattr(images, "_rgb", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda data: images.decode(data, "a.png"), [png("red", (101, 101))] * 6))
        assert max(most) == 1
        list(pool.map(lambda data: images.decode(data, "a.png"), [png("red", (100, 100))] * 6))
        assert max(most) > 1


def test_of_an_animation_the_first_frame_is_taken():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert (np.asarray(images.decode(data, "moving.gif").image) == [255, 0, 0]).all()


def test_the_suffix_does_not_matter():
    assert (np.asarray(images.decode(png("blue"), "blue.jpg").image) == [0, 0, 255]).all()


@pytest.mark.parametrize("format", ["EPS", "PPM", "ICO", "TGA"])
def test_what_pillow_could_read_besides_is_not_handed_to_it(format: str):
    """EPS would start Ghostscript."""
    data = encoded(Image.new("RGB", (16, 16), "red"), format)
    assert Image.open(io.BytesIO(data)).format == format

    with pytest.raises(Unreadable, match=r"a\.jpg: not a picture that can be read"):
        images.decode(data, "a.jpg")


def test_an_empty_file_is_refused_as_empty():
    with pytest.raises(Unreadable, match=r"a\.jpg: the file is empty"):
        images.decode(b"", "a.jpg")


def test_a_truncated_jpeg_is_refused_as_cut_short():
    data = encoded(Image.fromarray(noise(200, 200)), "JPEG")

    with pytest.raises(Unreadable, match=r"half\.jpg: damaged or cut short"):
        images.decode(data[: len(data) // 2], "half.jpg")


def test_a_decompression_bomb_is_refused_by_its_declared_size_before_any_pixel_is_decoded():
    data = declared_png(30_000, 30_000)
    assert len(data) < 100

    with pytest.raises(Unreadable, match=r"900 million .* limit of 80 million \(SHAREDSPACE_MAX_MEGAPIXELS\)"):
        images.decode(data, "bomb.png")


def test_a_file_over_the_limit_of_bytes_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SHAREDSPACE_MAX_FILE_MB", "1")

    with pytest.raises(Unreadable, match=r"2 MB is over the limit of 1 MB \(SHAREDSPACE_MAX_FILE_MB\)"):
        images.decode(b"\0" * 2**21, "heavy.jpg")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG, .*export it as PNG"),
        (b"\xef\xbb\xbf\n <svg onload=alert(1)></svg>", "SVG, .*export it as PNG"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "HTML, a web page and not a picture"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC, .*convert it to JPEG first"),
        (b"just words", r"not a picture that can be read \(JPEG, "),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a picture"),  # it would be handed to Ghostscript
    ],
)
def test_what_is_no_picture_is_called_by_its_kind(data: bytes, said: str):
    with pytest.raises(Unreadable, match=said):
        images.decode(data, "photo.jpg")


@pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")  # what Pillow has to say of damaged EXIF
@pytest.mark.parametrize("damage", [b"\x0c", b"\x05", b"\xff", b"\x00"])
def test_damaged_exif_costs_nothing_but_the_orientation(damage: bytes):
    tags = Image.Exif()
    tags[0x0112], tags[0x010F] = 6, "a camera"
    data = encoded(Image.new("RGB", (30, 20), "red"), "JPEG", exif=tags)
    start = data.index(b"Exif\0\0") + 6
    for at in range(start, start + 34):  # the kind of each value, how many there are, and where
        odd = data[:at] + damage + data[at + 1 :]
        assert images.decode(odd, "odd.jpg").image.size in {(30, 20), (20, 30)}


FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]


@pytest.mark.parametrize("format", FORMATS)
def test_every_promised_format_is_read(format: str):
    data = encoded(Image.new("RGB", (16, 16), (200, 30, 30)), format)

    np.testing.assert_allclose(np.asarray(images.decode(data, "a").image).mean(axis=(0, 1)), [200, 30, 30], atol=6)


@pytest.mark.filterwarnings("ignore:.*:UserWarning:PIL")  # what Pillow has to say of damaged EXIF
@pytest.mark.parametrize("format", FORMATS)
def test_random_damage_gives_a_picture_or_unreadable_and_nothing_else(format: str):
    rng = np.random.default_rng(FORMATS.index(format))
    whole = encoded(Image.fromarray(noise(20, 14)), format, exif=exif(6)) if format not in {"GIF", "BMP"} else None
    whole = whole or encoded(Image.fromarray(noise(20, 14)), format)
    taken = 0
    for _ in range(150):
        data = bytearray(whole)
        for at in rng.integers(0, min(len(data), 400), rng.integers(1, 5)):
            data[at] = rng.integers(0, 256)
        try:
            picture = images.decode(bytes(data[: rng.integers(len(data) // 2, len(data) + 1)]), "damaged")
        except Unreadable:
            continue
        taken += 1
        assert picture.image.mode == "RGB"
    assert taken < 150


def test_a_thumbnail_is_small_and_carries_no_metadata():
    tags = Image.Exif()
    tags[0x010F] = "a camera that knows where you live"
    photo = images.decode(encoded(Image.fromarray(noise(900, 600)), "JPEG", exif=tags, comment=b"private"), "photo.jpg")
    thumb = images.thumbnail(photo.image)

    assert b"knows where" not in thumb
    assert b"private" not in thumb
    opened = Image.open(io.BytesIO(thumb))
    assert opened.format == "JPEG"
    assert opened.size == (256, 171)
    assert photo.image.size == (900, 600)  # not shrunk in place


def painted(picture: Image.Image, heat: np.ndarray, box: tuple[float, ...] = (0.0, 0.0, 1.0, 1.0)) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(images.heat_png(picture, heat, box)))).astype(int)


@pytest.mark.parametrize("ground", ["white", "black", "#808080"])
def test_the_hottest_part_is_red_and_what_is_cold_keeps_its_grey(ground: str):
    heat = np.full((4, 4), -1.0)
    heat[3, 0] = 0.2
    pixels = painted(Image.new("RGB", (80, 80), ground), heat)

    red, green, blue = pixels[79, 0]
    assert red > green + 50
    assert red > blue + 50
    assert (pixels[:20, 60:] == np.asarray(Image.new("RGB", (1, 1), ground))[0, 0]).all()


@pytest.mark.parametrize("ground", ["white", "#c0c0c0", "#808080", "#404040", "black"])
def test_more_heat_is_farther_from_the_picture(ground: str):
    picture = Image.new("RGB", (160, 20), ground)
    row = painted(picture, np.arange(8.0)[None])[10]

    distance = np.linalg.norm(row - row[0], axis=1)
    assert (np.diff(distance[::20]) > 0).all()


@pytest.mark.parametrize("heat", [-0.3, 0.0])
def test_heat_that_is_nowhere_leaves_a_grey_picture_as_it_is(heat: float):
    pixels = painted(Image.new("RGB", (40, 40), "#404040"), np.full((8, 8), heat))

    assert (pixels == 64).all()


def test_what_the_model_does_not_see_is_dimmed_and_bears_no_heat():
    pixels = painted(Image.new("RGB", (100, 50), "white"), np.ones((8, 8)), (0.25, 0.0, 0.75, 1.0))

    dim = pixels[:, [*range(25), *range(75, 100)]]
    assert len(np.unique(dim)) == 1
    assert dim.max() < 200
    assert (pixels[:, 25:75, 0] > pixels[:, 25:75, 2] + 50).all()


@pytest.mark.parametrize(("size", "drawn"), [((2000, 1000), (512, 256)), ((1, 9000), (1, 512)), ((30, 20), (30, 20))])
def test_a_heat_map_is_bounded_and_leaves_the_picture_as_it_was(size: tuple[int, int], drawn: tuple[int, int]):
    picture = Image.new("RGB", size, "red")
    data = images.heat_png(picture, np.ones((8, 8)), (0.0, 0.4, 1.0, 0.6))

    assert Image.open(io.BytesIO(data)).size == drawn
    assert picture.size == size
