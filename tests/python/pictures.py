"""Pictures of figures that are kept: each figure at two widths side by side, compared pixel by pixel.

`UPDATE_EXPECT=1` keeps them anew. At most 0.5 % of the pixels of a picture may differ by more than 24 of 255 levels: that is how far
letters are smoothed otherwise by another build of the browser."""

import io
import os
import re

import numpy as np
from PIL import Image

LEVELS = 24
SHARE = 0.005
# So many files at the most, since a repository keeps each that there was.
MOST = 40


def of_figures(page):
    """A picture of each figure that is shown, by its id."""
    # Which run a figure is of says nothing of how it looks.
    page.evaluate("() => { const sheet = new CSSStyleSheet(); sheet.replaceSync('.source, nav{visibility:hidden!important}'); document.adoptedStyleSheets = [sheet]; }")
    found = {}
    for figure in page.locator("figure:visible").all():
        name = re.sub(r"[^\w-]", "_", figure.get_attribute("id"))
        # Two figures of one id are a fault that eyes.js tells.
        name = name if name not in found else f"{name}-again"
        found[name] = Image.open(io.BytesIO(figure.screenshot(animations="disabled"))).convert("RGB")
    page.evaluate("() => { document.adoptedStyleSheets = []; }")
    return found


def beside(pictures):
    """Pictures from left to right."""
    whole = Image.new("RGB", (sum(picture.width + 20 for picture in pictures) - 20, max(picture.height for picture in pictures)), "white")
    left = 0
    for picture in pictures:
        whole.paste(picture, (left, 0))
        left += picture.width + 20
    return whole


def difference(kept, found):
    """The share of pixels that differ, and a picture of them: what is beyond the smaller of two differs."""
    size = (max(kept.width, found.width), max(kept.height, found.height))
    layers = []
    for picture in (kept, found):
        layer = np.full((size[1], size[0], 3), -1, dtype=int)
        layer[: picture.height, : picture.width] = np.asarray(picture)
        layers.append(layer)
    differs = np.abs(layers[0] - layers[1]).max(axis=2) > LEVELS
    shown = np.where(differs[..., None], np.array([200, 0, 60]), 255 - (255 - np.clip(layers[1], 0, 255)) // 4)
    return differs.mean(), Image.fromarray(shown.astype(np.uint8))


def compare(narrow, wide, folder, put):
    """Pictures of two widths beside those kept in `folder`: what differs, in words. Where they do, pictures are put into `put`."""
    found = {name: beside([narrow[name], wide[name]]) if name in narrow else wide[name] for name in wide}
    assert 0 < len(found) <= MOST, f"{len(found)} figures: at most {MOST} pictures are kept"
    kept = {path.stem: path for path in folder.glob("*.png")}
    if os.environ.get("UPDATE_EXPECT"):
        folder.mkdir(parents=True, exist_ok=True)
        for name in kept.keys() - found.keys():
            kept[name].unlink()
        for name, picture in found.items():
            picture.quantize(128, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)
        return []
    wrong = [f"{kept[name]} is of no figure: UPDATE_EXPECT=1 removes it" for name in sorted(kept.keys() - found.keys())]
    put.mkdir(parents=True, exist_ok=True)
    for name, picture in found.items():
        if name not in kept:
            picture.save(put / f"{name}.png")
            wrong.append(f"no picture of {name} is kept in {folder}: look at {put / f'{name}.png'}, then keep it by UPDATE_EXPECT=1")
            continue
        before = Image.open(kept[name]).convert("RGB")
        share, shown = difference(before, picture)
        if share > SHARE:
            picture.save(put / f"{name}.png")
            shown.save(put / f"{name}-difference.png")
            wrong.append(f"{name}: {100 * share:.1f} % of its pixels differ ({before.width} × {before.height} kept, {picture.width} × {picture.height} found): look at {put / f'{name}-difference.png'}; if it is meant, UPDATE_EXPECT=1 keeps it")
    return wrong
