"""Writes the first inputs of every fuzz target into fuzz/seeds.

    python3 fuzz/make_seeds.py --binary target/debug/evenkeel

Needs NumPy and Pillow for arrays and images, and the program for the files of a run. Every input begins with the bytes its
target takes from it first: flags, choices, lengths (see fuzz/src).
"""

import argparse
import io
import pathlib
import shutil
import struct
import subprocess
import tempfile

import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEEDS = ROOT / "fuzz" / "seeds"
ENDINGS = ["png", "jpg", "gif", "bmp", "webp", "tif", "pnm", "ppm", "unknown"]
LAYERS = '[{type="linear",out_features=3},{type="activation",function="relu"},{type="batch_norm"},{type="linear"}]'


def write(target, name, *parts):
    """Writes one input."""
    folder = SEEDS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"".join(parts))


def part(content):
    """The content after its length of one byte."""
    assert len(content) < 256, len(content)
    return bytes([len(content)]) + content


def tables():
    """Tables: the number of the ending, settings, text."""
    plain = b"a,b,c\n1,2.5,x\n2,3.5,y\n3,,x\n4,5.5,y\n5,1e3,x\n"
    cases = {
        "plain": (0, 0, plain),
        "tabs": (1, 0x10, plain.replace(b",", b"\t")),
        "semicolons": (2, 8, b"\xef\xbb\xbfa;b\n1,5;2\n2,5;3\n-1.000,25;4\n"),
        "quotes": (0, 4, b'"a ""x""","b\nc"\n"1,0",NA\n\'2\',"?"\n3,4\n'),
        "dates": (0, 0x40, b"a,b\n2024-01-31 10:00,1\n31.12.2023,0\n12/25/2022,1\n2024-02-30,0\n"),
        "groups": (0, 0x30, b"a,b\np1,0\np1,1\np2,0\np3,1\np3,1\n"),
        "latin": (2, 1, b"gr\xf6\xdfe,b\n1 000,ja\n2 000,nein\n3 000,ja\n"),
        "wide": (0, 0, "größe,b\n1,2\n3,4\n5,6\n".encode("utf-16")),
        "packed": (3, 0x80, plain),
        "empty": (0, 0, b""),
    }
    for name, (ending, settings, text) in cases.items():
        write("csv", name, bytes([ending, settings]), text)


def npy(array):
    """A file of NumPy."""
    file = io.BytesIO()
    numpy.save(file, array)
    return file.getvalue()


def arrays():
    """Arrays: raw files of other programs, and descriptions of made ones."""
    images = bytes([0, 0, 8, 3]) + struct.pack(">III", 4, 2, 2) + bytes(range(16))
    labels = bytes([0, 0, 8, 1]) + struct.pack(">I", 4) + bytes([0, 1, 0, 1])
    for name, flags in {"raw": 0, "packed": 2, "with_test": 16}.items():
        write("idx", name, bytes([flags]), part(images), labels)
    write("idx", "made", bytes([1, 3, 6, 2, 2]), bytes([0, 1, 2]))
    write("idx", "made_color", bytes([1, 4, 6, 2, 2, 3]), bytes([0, 1]))
    x, y = numpy.arange(12, dtype=numpy.float32).reshape(6, 2), numpy.array([0, 1, 0, 1, 0, 1], dtype=numpy.uint8)
    write("npy", "raw", b"\x00", part(npy(x)), npy(y))
    write("npy", "columns", b"\x00", part(npy(numpy.asfortranarray(x))), npy(y.astype(numpy.float64)))
    made = bytes([0, 1, 2, 6, 2, 4, 0, 0, 0, 64]) + bytes([0, 0, 1, 6, 2, 0, 1])
    write("npy", "made", b"\x01", made)
    write("npy", "made_images", b"\x01", bytes([0, 0, 4, 6, 3, 3, 1, 2, 9, 200, 0, 0, 1, 6, 2, 0, 1]))
    for name, save in {"stored": numpy.savez, "deflated": numpy.savez_compressed}.items():
        file = io.BytesIO()
        save(file, x=x, y=y)
        write("npz", name, b"\x00", file.getvalue())
    write("npz", "made", b"\x03", made)
    write("npz", "made_with_claims", b"\x43", made, bytes([240, 0]))
    names = b"cat\ndog\n"
    write("cifar", "ten", bytes([2]), part(names), bytes([2, 0]), bytes([0, 1]))
    write("cifar", "hundred", bytes([1 | 8]), part(b""), bytes([3, 0]), bytes([0, 1, 2]))
    write("cifar", "cut", bytes([4]), part(b""), bytes([1, 7]), bytes([1]))


def encoded(image, form, **settings):
    """An image file."""
    file = io.BytesIO()
    image.save(file, form, **settings)
    return file.getvalue()


def images():
    """Images: flags, the number of the ending, the file; then descriptions of made ones."""
    pixels = numpy.arange(3 * 4 * 3, dtype=numpy.uint8).reshape(3, 4, 3) * 7
    color, grey = Image.fromarray(pixels), Image.fromarray(pixels[:, :, 0])
    palette, see_through = color.convert("P", palette=Image.Palette.ADAPTIVE, colors=4), color.convert("RGBA")
    see_through.putalpha(90)
    deep = Image.fromarray(pixels[:, :, 0].astype(numpy.uint16) * 250)
    files = {
        "png": encoded(color, "PNG"),
        "png_palette": encoded(palette, "PNG"),
        "png_alpha": encoded(see_through, "PNG"),
        "png_deep": encoded(deep, "PNG"),
        "jpg": encoded(color, "JPEG", quality=30),
        "jpg_progressive": encoded(grey, "JPEG", quality=30, progressive=True),
        "gif": encoded(palette, "GIF"),
        "gif_frames": encoded(palette, "GIF", save_all=True, append_images=[palette.transpose(0)]),
        "bmp": encoded(color, "BMP"),
        "bmp_palette": encoded(palette, "BMP"),
        "webp": encoded(color, "WEBP", quality=20),
        "webp_lossless": encoded(see_through, "WEBP", lossless=True),
        "tif": encoded(color, "TIFF"),
        "tif_lzw": encoded(grey, "TIFF", compression="tiff_lzw"),
        "tif_deflate": encoded(deep, "TIFF", compression="tiff_adobe_deflate"),
        "pnm": b"P2\n3 2\n15\n1 2 3\n4 5 6\n",
        "ppm": encoded(color, "PPM"),
    }
    for name, file in files.items():
        write("image", name, bytes([0, ENDINGS.index(name.split("_")[0])]), file)
    write("image", "made_png", bytes([1, 0]), bytes([2, 1, 0, 1, 0, 0, 3, 0, 7, 9]))
    gif = bytes([2, 2, 0x80, 2, 0, 0, 2, 2, 0, 2, 3, 0x8C, 0x52, 0])
    write("image", "made_gif", bytes([2, 2]), gif)


def class_folders():
    """Folders: settings, then depth, folders, kind, name and how the file is put there."""
    two_classes = bytes([1, 5, 0, 7, 0, 1, 5, 0, 8, 0, 1, 6, 1, 7, 0, 1, 6, 0, 8, 0])
    parts = bytes([2, 0, 5, 0, 7, 0, 2, 0, 6, 0, 7, 0, 2, 2, 5, 0, 7, 0, 2, 2, 6, 0, 7, 0])
    links = two_classes + bytes([1, 5, 0, 9, 13, 0, 0, 9, 14])
    for name, files in {"two_classes": two_classes, "parts": parts, "links": links}.items():
        write("class_folders", name, b"\x00", files)
        write("class_folders", name + "_auto", b"\x03", files)


def texts():
    """Configs, overrides, measurements."""
    for preset in sorted((ROOT / "crates/keel_train/presets").glob("*.toml"))[:12]:
        write("config", preset.stem, preset.read_bytes())
    layers = """[[model.layers]]
type = "conv2d"
out_channels = 4
kernel = [3, 1]
padding = "valid"
init = { type = "normal", std = 0.01 }
[[model.layers]]
type = "residual"
body = [{ type = "conv2d", out_channels = 4, groups = 2 }, { type = "group_norm", groups = 2 }]
after = "gelu"
[[model.layers]]
type = "maxout"
out_features = 5
pieces = 2
[train]
loss = { type = "cross_entropy", label_smoothing = 0.1 }
"""
    write("config", "layers", layers.encode())
    steps = '[preprocess]\nsteps = ["center", { type = "pca", components = 4 }]\n[schedule]\ntype = "step"\n'
    write("config", "steps", steps.encode())
    lines = ["train.epochs=3", "optimizer.type=adam", "model.layers=[{type='linear'}]", "data.source=spiral"]
    write("overrides", "plain", part(b""), *(part(line.encode()) for line in lines))
    write("overrides", "over_text", part(b"[train]\nepochs = 2\n"), part(b"train.loss.label_smoothing=0.1"))
    write("overrides", "paths", part(b""), part(b"model.layers.0.out_features=9"), part(b"a.\"b c\".d=[1,{x=2}]"))
    document = (ROOT / "docs/measurements.md").read_text()
    records = [line for line in document.splitlines() if line.startswith("{")]
    write("measurements", "all", "\n".join(records).encode())
    for number, record in enumerate(records[1:12]):
        write("measurements", f"record_{number}", f"{records[0]}\n{record}\n".encode())


def run_files(binary):
    """Files of a small run."""
    folder = pathlib.Path(tempfile.mkdtemp())
    settings = [
        "data.source=moons", "data.samples=12", "train.epochs=2", f"model.layers={LAYERS}", "run.name=moons",
        f"run.directory={folder}", "train.threads=1", "health.level=full",
    ]
    arguments = [word for setting in settings for word in ("--set", setting)]
    subprocess.run([binary, "train", *arguments], check=True, capture_output=True)
    run = folder / "moons"
    config = run.joinpath("config.toml").read_bytes().replace(str(folder).encode(), b"runs")
    write("run_folder", "moons", struct.pack("<H", len(config)), config, run.joinpath("summary.json").read_bytes())
    for target, name in {"checkpoint": "checkpoints/last.safetensors", "model": "model.safetensors"}.items():
        file = run.joinpath(name).read_bytes().replace(str(folder).encode(), b"r" * len(str(folder)))
        (length,) = struct.unpack("<Q", file[:8])
        write(target, "moons", b"\x01", struct.pack("<H", length), file[8:])
        write(target, "raw", b"\x00", file)
    subprocess.run([binary, "export", run, folder / "moons.onnx"], check=True, capture_output=True)
    write("onnx", "moons", (folder / "moons.onnx").read_bytes())
    header = b'{"conv1.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    write("torch_weights", "one", b"\x01", struct.pack("<H", len(header)), header, bytes(4))
    shutil.copy(run / "metrics.sqlite", (SEEDS / "metrics_database").joinpath("moons"))
    shutil.rmtree(folder)


def networks():
    """Networks: sides, channels, samples, seed, flags, then the layers."""
    cases = {
        "convolutions": bytes([7, 8, 2, 3, 5, 0, 2, 0, 7, 3, 0, 0, 1, 0, 2, 15, 2, 1, 1, 3, 1, 0, 1, 9, 12, 4]),
        "residual": bytes([5, 6, 1, 2, 9, 4, 1, 4, 7, 1, 1, 0, 0, 1, 8, 3, 7]),
        "vectors": bytes([11, 0, 0, 5, 3, 3, 2, 20, 8, 0, 9, 7, 2, 0]),
        "winograd": bytes([6, 7, 15, 1, 4, 0, 2, 0, 15, 2, 0, 0, 1, 0, 0, 31, 2, 0, 0, 1, 2, 1, 0]),
    }
    for target in ["network_reference", "network_fusion", "network_threads"]:
        for name, description in cases.items():
            write(target, name, description, b"\xff")


def main():
    """Writes all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="the program, for the files of a run")
    binary = parser.parse_args().binary
    (SEEDS / "metrics_database").mkdir(parents=True, exist_ok=True)
    for make in [tables, arrays, images, class_folders, texts, networks]:
        make()
    run_files(binary)
    files = [path for path in SEEDS.rglob("*") if path.is_file()]
    print(f"{len(files)} inputs, {sum(path.stat().st_size for path in files)} bytes")


if __name__ == "__main__":
    main()
