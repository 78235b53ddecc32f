"""Looking at a report in headless Chromium: what eyes.js finds, and what takes pixels, keys or paper.

    python tests/python/looking.py PAGE.html [--width 390 1280] [--dark] [--print] [--keys] [--files FOLDER]"""

import argparse
import contextlib
import io
import os
import pathlib
import re

import numpy as np
import pypdfium2
from PIL import Image
from playwright.sync_api import TimeoutError, sync_playwright

EYES = pathlib.Path(__file__).with_name("eyes.js").read_text()
BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--font-render-hinting=none", "--force-color-profile=srgb"]
# A4 with margins of a centimetre, in pixels of CSS.
A4 = {"width": 718, "height": 1047}


@contextlib.contextmanager
def browser():
    path = os.environ.get("CHROMIUM") or next((path for path in BROWSERS if pathlib.Path(path).exists()), None)
    assert path, "no Chromium: install Debian's package `chromium`, or name one by CHROMIUM"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@contextlib.contextmanager
def opened(chromium, path, width, dark=False, paper=False):
    """The page with all figures drawn, and a list that what it says on the console and asks of others is put into."""
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    said = []
    page.on("console", lambda m: said.append(("console", "page", m.text)) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(("console", "page", str(error))))
    page.on("request", lambda request: said.append(("console", "page", f"asks for {request.url}")) if not request.url.startswith(("data:", "file:", "blob:")) else None)
    if paper:
        page.emulate_media(media="print")
    # A picture of the whole page changes the window's height: the page is not to be drawn anew for it.
    page.add_init_script("addEventListener('resize', event => { if (window.eyes?.still) event.stopImmediatePropagation(); })")
    page.goto(pathlib.Path(path).resolve().as_uri())
    try:
        page.wait_for_selector("body[data-ready]", timeout=20_000)
    except TimeoutError:
        raise AssertionError(f"{path} is not drawn: {said}") from None
    draw_all(page)
    page.evaluate(EYES)
    yield page, said
    page.close()


def draw_all(page):
    """Figures are drawn when they come into view; here all of them are looked at."""
    page.evaluate("async () => { await window.rebound?.drawAll?.(); await document.fonts.ready; await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))); }")


def seen(page, **options):
    """What eyes.js finds, as (check, place, what)."""
    return [(of["check"], of["at"], of["what"]) for of in page.evaluate("options => eyes.findings(options)", options)]


def luminance(colours):
    part = colours / 255
    part = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return part @ np.array([0.2126, 0.7152, 0.0722])


def picture(page, left=0, top=0, width=None, height=None):
    size = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    clip = {"x": left, "y": top, "width": width or size[0], "height": height or size[1] - top}
    return Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip))).convert("RGB")


def contrast_in_pictures(page, share=0.25, high=8000):
    """Texts of figures before the pixels behind them: less than a quarter of these may be too like the text."""
    texts, found = page.evaluate("eyes.inPictures()"), []
    page.evaluate("() => { eyes.still = true; const sheet = new CSSStyleSheet(); sheet.replaceSync('svg text{visibility:hidden!important}'); document.adoptedStyleSheets = [sheet]; }")
    whole = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, whole, high):
        # A text at the end of a strip is in the next as well.
        strip = np.asarray(picture(page, top=top, height=min(high + 200, whole - top)), dtype=float)
        for text in texts:
            left, upper, right, lower = text["box"]
            if not top <= upper < top + high:
                continue
            pixels = strip[max(0, int(upper - top)) : int(np.ceil(lower - top)), max(0, int(left)) : int(np.ceil(right))].reshape(-1, 3)
            if not len(pixels):
                continue
            if text["halo"]:
                pixels = np.array([text["halo"]], dtype=float)
            fill, opacity = np.array(text["fill"][:3], dtype=float), text["fill"][3]
            front, back = luminance(opacity * fill + (1 - opacity) * pixels), luminance(pixels)
            ratio = (np.maximum(front, back) + 0.05) / (np.minimum(front, back) + 0.05)
            if np.mean(ratio < text["needed"] - 0.02) > share:
                worst = np.quantile(ratio, share)
                found.append(("contrast", text["at"], f"“{text['text']}” has a contrast of {worst:.2f} before its picture, and needs {text['needed']}"))
    page.evaluate("() => { document.adoptedStyleSheets = []; eyes.still = false; }")
    return found


def keys(page):
    """Tab reaches all that can be pressed, chosen or followed, and shows where it is."""
    n = page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); return eyes.reached().length; }")
    found, met, hidden = [], set(), set()
    for _ in range(n + 2):
        page.keyboard.press("Tab")
        focus = page.evaluate("eyes.focus()")
        if focus and focus["i"] >= 0:
            met.add(focus["i"])
            if not focus["visible"] and focus["i"] not in hidden:
                hidden.add(focus["i"])
                found.append(("keyboard", focus["at"], f"nothing shows that {focus['what']} has the keyboard"))
    # What stays in its place lies over what the keyboard scrolled under it.
    page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); document.querySelectorAll('.scroll').forEach(e => e.scrollTo(0, 0)); }")
    missed = page.evaluate("met => eyes.reached().map((e, i) => [i, eyes.placeOf(e), e.tagName.toLowerCase() + ' “' + (e.innerText || e.id).slice(0, 40) + '”']).filter(of => !met.includes(of[0]))", sorted(met))
    return found + [("keyboard", at, f"Tab does not reach {what}") for _, at, what in missed]


def other_choices(page):
    """Choose the last episode, and the region of the longest name."""
    for field, option in (("#episode", "all => all[all.length - 1]?.value"), ("#pick", "all => all.toSorted((a, b) => b.text.length - a.text.length)[0]?.value")):
        value = page.locator(f"{field} option").evaluate_all(option) if page.locator(field).count() else None
        if value is not None:
            page.locator(field).select_option(value)
    draw_all(page)


def look(chromium, path, width, dark=False, trees=None, with_keys=False):
    with opened(chromium, path, width, dark) as (page, said):
        found = seen(page, trees=trees) + contrast_in_pictures(page)
        if with_keys:
            found += keys(page)
        other_choices(page)
        found += [of for of in seen(page, trees=trees) if of not in found]
        return found + said


def look_at_files(chromium, folder):
    """Figures as SVG files: no text of one cut, over another or too like what it stands on."""
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    found = []
    for path in sorted(folder.glob("*.svg")):
        page.set_content("<!doctype html><meta charset=utf-8><body style='margin:0'><figure style='margin:0'><div class=chart style='display:inline-block;line-height:0'></div></figure>")
        page.evaluate("([id, svg]) => { const figure = document.querySelector('figure'); figure.id = id; figure.firstElementChild.innerHTML = svg.slice(svg.indexOf('<svg')); }", [path.stem, path.read_text(encoding="utf-8")])
        page.evaluate(EYES)
        found += [(check, f"figures/{at}.svg", what) for check, at, what in seen(page, checks=["cut", "over", "years"]) + contrast_in_pictures(page)]
    page.close()
    return found


def same_text(text):
    return re.sub(r"\W+", "", text)


def look_at_paper(chromium, path, trees=None):
    """In the media of print at the width of A4, and as it is laid out and printed from a window as wide as a desk's."""
    with opened(chromium, path, A4["width"], paper=True) as (page, said):
        found = seen(page, trees=trees, print=True, page_height=A4["height"]) + said
    with opened(chromium, path, 1280) as (page, said):
        figures = page.evaluate("() => Array.from(document.querySelectorAll('figure')).filter(f => f.checkVisibility()).map(f => [f.id, f.querySelector('h3').textContent, f.querySelector('figcaption').textContent])")
        # The one moment at which the layout of the paper can be measured: after the page's own listeners have made charts fit.
        page.evaluate("""ratio => matchMedia('print').addEventListener('change', event => {
            if (event.matches) eyes.printed = eyes.findings({ print: true, page_height: ratio * document.documentElement.clientWidth, checks: ['wide', 'over', 'cut', 'paper'] });
        })""", A4["height"] / A4["width"])
        pdf = page.pdf(format="A4", margin=dict.fromkeys(("top", "right", "bottom", "left"), "1cm"), print_background=True)
        laid_out = [(of["check"], of["at"], of["what"]) for of in page.evaluate("eyes.printed")]
        found += [of for of in laid_out if of not in found]
        texts = [same_text(page.get_textpage().get_text_range()) for page in pypdfium2.PdfDocument(pdf)]
        whole = "".join(texts)
        for name, title, caption in figures:
            start, end = same_text(title)[:60], same_text(caption)[-60:]
            if start not in whole:
                found.append(("paper", name, "its title is not printed"))
            elif not any(start in text and end in text for text in texts):
                found.append(("paper", name, "its title and the end of its caption are not on one page"))
        return found + said, len(texts)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("page")
    arguments.add_argument("--width", type=int, nargs="+", default=[390, 1280])
    arguments.add_argument("--dark", action="store_true")
    arguments.add_argument("--print", action="store_true", dest="paper")
    arguments.add_argument("--keys", action="store_true")
    arguments.add_argument("--files", type=pathlib.Path, help="a folder of figures as SVG files")
    asked = arguments.parse_args()
    with browser() as chromium:
        for width in asked.width:
            for check, at, what in look(chromium, asked.page, width, asked.dark, with_keys=asked.keys):
                print(f"{width}: {check}: {at}: {what}")
        for check, at, what in look_at_files(chromium, asked.files) if asked.files else []:
            print(f"{check}: {at}: {what}")
        if asked.paper:
            found, n_pages = look_at_paper(chromium, asked.page)
            for check, at, what in found:
                print(f"print ({n_pages} pages): {check}: {at}: {what}")


if __name__ == "__main__":
    main()
