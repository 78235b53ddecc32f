"""Pictures of figures that are kept: each figure at two widths side by side, compared pixel by pixel.

`UPDATE_EXPECT=1` keeps them anew. A pixel differs if none next to it in the other picture is within 24 of 255 levels: letters may be smoothed
otherwise by another build of the browser. At most so many may differ as are 0.2 % of the pixels that have something drawn."""

import io
import os
import re

import numpy as np
from PIL import Image

LEVELS = 24
SHARE = 0.002
# So many files at the most, since a repository keeps each that there was.
MOST = 40


def of_figures(page):
    """A picture of each figure that is shown, by its id."""
    # Which run a figure is of says nothing of how it looks. A figure that is higher than the window makes that grow, and is not to be drawn anew.
    page.evaluate("() => { eyes.still = true; const sheet = new CSSStyleSheet(); sheet.replaceSync('.source, nav{visibility:hidden!important}'); document.adoptedStyleSheets = [sheet]; }")
    found = {}
    for figure in page.locator("figure:visible").all():
        name = re.sub(r"[^\w-]", "_", figure.get_attribute("id"))
        # Two figures of one id are a fault that eyes.js tells.
        name = name if name not in found else f"{name}-again"
        found[name] = Image.open(io.BytesIO(figure.screenshot(animations="disabled"))).convert("RGB")
    page.evaluate("() => { document.adoptedStyleSheets = []; eyes.still = false; }")
    return found


def beside(pictures):
    """Pictures from left to right."""
    whole = Image.new("RGB", (sum(picture.width + 20 for picture in pictures) - 20, max(picture.height for picture in pictures)), "white")
    left = 0
    for picture in pictures:
        whole.paste(picture, (left, 0))
        left += picture.width + 20
    return whole


def far(picture, other):
    """Pixels that are like none of those at their place in another picture, or next to it."""
    out = np.zeros(picture.shape[:2], dtype=bool)
    rows, columns = np.nonzero(np.abs(picture - other).max(axis=2) > LEVELS)
    wide = np.pad(other, ((1, 1), (1, 1), (0, 0)), mode="edge")
    out[rows, columns] = np.min([np.abs(picture[rows, columns] - wide[rows + y, columns + x]).max(axis=1) for y in range(3) for x in range(3)], axis=0) > LEVELS
    return out


def keep(picture, path):
    """Write a picture in sixteen levels of each colour, with a palette if it can: small, and at most 8 levels beside the truth."""
    levels = np.round(np.asarray(picture) / 17).astype(np.uint8) * 17
    colours, at = np.unique(levels.reshape(-1, 3), axis=0, return_inverse=True)
    if len(colours) > 256:
        Image.fromarray(levels).save(path, optimize=True)
        return
    small = Image.fromarray(at.reshape(levels.shape[:2]).astype(np.uint8), mode="P")
    small.putpalette(colours.tobytes())
    small.save(path, optimize=True)


def difference(kept, found):
    """The pixels that differ as a share of those with something drawn, and a picture of them: what is beyond the smaller of two differs."""
    size = (max(kept.height, found.height), max(kept.width, found.width))
    layers = []
    for picture in (kept, found):
        layer = np.full((*size, 3), -255, dtype=np.int16)
        layer[: picture.height, : picture.width] = np.asarray(picture)
        layers.append(layer)
    drawn = (layers[0].min(axis=2) < 235) | (layers[1].min(axis=2) < 235)
    differs = far(*layers) | far(*layers[::-1])
    shown = np.where(differs[..., None], np.array([200, 0, 60]), 255 - (255 - np.clip(layers[1], 0, 255)) // 4)
    return differs.sum() / max(1, drawn.sum()), Image.fromarray(shown.astype(np.uint8))


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
            keep(picture, folder / f"{name}.png")
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
            wrong.append(f"{name}: {100 * share:.1f} % of what is drawn differs ({before.width} × {before.height} kept, {picture.width} × {picture.height} found): look at {put / f'{name}-difference.png'}; if it is meant, UPDATE_EXPECT=1 keeps it")
    return wrong
