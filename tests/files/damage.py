"""Seeded damage to the bytes of a text file: what copying, editing and bad luck do."""

import re
from collections.abc import Callable

import numpy as np

Damage = Callable[[bytes, np.random.Generator], bytes]


def flip_bytes(content: bytes, random: np.random.Generator) -> bytes:
    """One to twenty bytes become any other."""
    damaged = bytearray(content)
    for at in random.integers(0, len(damaged), random.integers(1, 21)):
        damaged[at] = random.integers(0, 256)
    return bytes(damaged)


def delete_lines(content: bytes, random: np.random.Generator) -> bytes:
    """Up to a third of the lines go, in the header as well."""
    lines = content.split(b"\n")
    keep = random.random(len(lines)) > random.uniform(0, 0.33)
    return b"\n".join(line for line, stays in zip(lines, keep, strict=True) if stays)


def truncate(content: bytes, random: np.random.Generator) -> bytes:
    """The end is lost."""
    return content[: random.integers(0, len(content))]


def lose_start(content: bytes, random: np.random.Generator) -> bytes:
    """The start is lost."""
    return content[random.integers(0, len(content)) :]


def swap_separators(content: bytes, random: np.random.Generator) -> bytes:
    """One separator becomes another, everywhere or on some lines."""
    old, new = random.choice([b",", b"\t", b";", b" ", b".", b'"'], 2)
    lines = content.split(b"\n")
    chosen = random.random(len(lines)) < random.choice([0.02, 1.0])
    return b"\n".join(
        x.replace(bytes(old), bytes(new)) if c else x for x, c in zip(lines, chosen, strict=True)
    )


def insert_zeros(content: bytes, random: np.random.Generator) -> bytes:
    """Zero bytes in the middle, or a null after every byte."""
    if random.random() < 0.2:
        return content.replace(b"", b"\x00")
    at = random.integers(0, len(content))
    return content[:at] + b"\x00" * int(random.integers(1, 50)) + content[at:]


def repeat_columns(content: bytes, random: np.random.Generator) -> bytes:
    """Every line twice or three times in a row, or only the row of names."""
    times = int(random.integers(2, 4))
    if random.random() < 0.5:
        return b"\n".join(b",".join([line] * times) for line in content.split(b"\n"))
    at = content.find(b"[Data]") + 7
    end = content.find(b"\n", at)
    return content[:end] + b"," + content[at:end] + content[end:]


def huge_numbers(content: bytes, random: np.random.Generator) -> bytes:
    """Some numbers become huge, infinite, hexadecimal or words."""
    choices = [
        b"1e308",
        b"-1e308",
        b"1e999",
        b"9" * 400,
        b"inf",
        b"nan",
        b"0x10",
        b"NaN",
        b"1_000",
        b"True",
        b"-0",
        b"",
    ]
    share = random.choice([0.0005, 0.01, 0.3])

    def other(match: re.Match[bytes]) -> bytes:
        return bytes(random.choice(choices)) if random.random() < share else match[0]

    return re.sub(rb"-?\d+\.\d+(?:e[+-]?\d+)?", other, content)


def splice(content: bytes, random: np.random.Generator) -> bytes:
    """A piece of the file stands twice, or the file follows itself."""
    start, stop, at = np.sort(random.integers(0, len(content), 3))
    return content[:at] + content[start:stop] + content[at:]


def recode(content: bytes, random: np.random.Generator) -> bytes:
    """Another encoding, sometimes cut in the middle of a character."""
    encoded = content.decode("latin-1").encode(
        str(random.choice(["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"]))
    )
    return encoded[: len(encoded) - int(random.integers(0, 3))]


def shuffle_lines(content: bytes, random: np.random.Generator) -> bytes:
    """Two lines change places, ten times."""
    lines = content.split(b"\n")
    for one, two in random.integers(0, len(lines), (10, 2)):
        lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


DAMAGES: list[Damage] = [
    flip_bytes,
    delete_lines,
    truncate,
    lose_start,
    swap_separators,
    insert_zeros,
    repeat_columns,
    huge_numbers,
    splice,
    recode,
    shuffle_lines,
]


def damaged(content: bytes, seed: int) -> bytes:
    """One to three kinds of damage, all of them from the seed."""
    random = np.random.default_rng(seed)
    for index in random.integers(0, len(DAMAGES), random.integers(1, 4)):
        content = DAMAGES[index](content, random) or b"\n"
    return content
