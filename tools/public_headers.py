#!/usr/bin/env python3
"""The headers that code outside this project may include: what they amount to, and
where they go.

usage: public_headers.py hash ROOT VERSION TEMPLATE OUTPUT DEPFILE
       public_headers.py install ROOT DESTINATION FOLDER/HASHED

hash writes OUTPUT: TEMPLATE with the version and a hash of all headers, so that a
plugin knows which ones it was compiled with. An output that would not change is not
touched: nothing is compiled again for it. install copies the headers, and that output
of the build as FOLDER/HASHED, to MESON_INSTALL_DESTDIR_PREFIX/DESTINATION; headers that
are not those that were built with are an error, since plugins would crash.
"""

import hashlib
import os
import shutil
import sys
from pathlib import Path

LAYERS = ("messages", "runtime", "actors")
HASH_DIGITS = 12


def headers(root):
    """All of them but precompiled ones, as paths relative to `root`, sorted."""
    return sorted(
        path.relative_to(root)
        for layer in LAYERS
        for path in (root / layer).rglob("*.hpp")
        if path.parent.name != "pch"
    )


def digest(root):
    total = hashlib.sha256()
    for header in headers(root):
        text = (root / header).read_bytes()
        total.update(f"{header.as_posix()} {len(text)}\n".encode())
        total.update(text)
    return total.hexdigest()[:HASH_DIGITS]


def write_hash(root, version, template, output, depfile):
    text = template.read_text(encoding="utf-8")
    text = text.replace("@VERSION@", version).replace("@HASH@", digest(root))
    if not output.exists() or output.read_text(encoding="utf-8") != text:
        output.write_text(text, encoding="utf-8")
    # Folders too: a header that is new changes its folder.
    found = [root / header for header in headers(root)]
    wanted = sorted({path.parent for path in found}) + found
    listed = " ".join(str(path).replace(" ", "\\ ") for path in wanted)
    depfile.write_text(f"{output}: {listed}\n", encoding="utf-8")


def install(root, destination, hashed):
    if digest(root) not in hashed.read_text(encoding="utf-8"):
        raise SystemExit(f"{hashed}: the headers have changed since they were built with")
    to = Path(os.environ["MESON_INSTALL_DESTDIR_PREFIX"], destination)
    jobs = [(root / header, to / header) for header in headers(root)]
    jobs.append((hashed, to / hashed.parent.name / hashed.name))
    for source, target in jobs:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o644)
    print(f"Installing {len(jobs)} headers to {to}")


def main():
    verb, root, *rest = sys.argv[1:]
    if verb == "hash":
        version, *paths = rest
        write_hash(Path(root), version, *map(Path, paths))
    elif verb == "install":
        destination, hashed = rest
        install(Path(root), destination, Path(hashed))
    else:
        raise SystemExit(f"public_headers.py: expected hash or install, got {verb}")


if __name__ == "__main__":
    main()
