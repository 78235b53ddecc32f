"""Each fault that a report had once, put into a page, is found by the check of its name."""

import looking

# Name of the check, where it is found, and what is done to the page: a script that gives the place, or null if the page has no such figure.
FIRST = "const first = selector => Array.from(document.querySelectorAll(selector)).find(e => e.checkVisibility());"
OF_CHART = "const chart = figure => { const box = figure.querySelector('.chart'); return box && echarts.getInstanceByDom(box); };"
NETWORK = "const figure = Array.from(document.querySelectorAll('figure')).find(f => f.checkVisibility() && chart(f) && [].concat(chart(f).getOption().series).some(s => s.id === 'links')); const links = Array.from(figure.querySelectorAll('svg path')).filter(e => e.getAttribute('fill') === 'none' && !/[zA]/i.test(e.getAttribute('d')));"
MAP = "const figure = Array.from(document.querySelectorAll('figure')).find(f => f.checkVisibility() && chart(f) && [].concat(chart(f).getOption().geo || []).length);"
FAULTS = {
    "a chart 1,140 pixels wide in a place of 556": ("wide", "const figure = first('figure[id^=quadrants]'); chart(figure).resize({ width: 1140 }); return figure.id;"),
    "a chart that covers its neighbour": ("over", "const figure = first('figure[id^=resistance-map], figure[id^=quadrants]'); chart(figure).resize({ width: 1140 }); return figure.id;"),
    "a table that runs out of the page": ("wide", "document.getElementById('regions').style.minWidth = '1700px'; return 'regions';"),
    "a page wider than its window": ("wide", "document.querySelector('h1').style.cssText = 'max-width:none;width:1500px'; return 'page';"),
    "a label cut on the left": ("cut", "const figure = first('figure[id^=resistance-ranking]'), text = figure.querySelector('svg text'); text.setAttribute('transform', 'translate(' + (text.getBBox().width / 2) + ' 40)'); text.setAttribute('text-anchor', 'end'); text.setAttribute('x', 0); return figure.id;"),
    "a label that is shortened": ("cut", "const figure = first('figure'); figure.querySelector('svg text').textContent = 'Australian Capi…'; return figure.id;"),
    "a cell cut by its column": ("cut", "const cell = first('#regions th[scope=row]'); cell.style.cssText = 'display:block;width:30px;overflow:hidden'; return 'regions';"),
    "a choice cut by its field": ("cut", "document.getElementById('pick').style.width = '60px'; return 'pick';"),
    "a label over another": ("over", "const figure = first('figure[id^=national]'), texts = figure.querySelectorAll('svg text'); for (const name of ['transform', 'x', 'y', 'text-anchor', 'dominant-baseline']) if (texts[0].hasAttribute(name)) texts[1].setAttribute(name, texts[0].getAttribute(name)); else texts[1].removeAttribute(name); return figure.id;"),
    "links that do not touch their dots": ("links", NETWORK + "links.forEach(e => { const m = e.getAttribute('transform') || ''; e.setAttribute('transform', 'translate(9,7) ' + m); }); return figure.id;"),
    "a dot that the frame cuts": ("cut", NETWORK + "const dot = Array.from(figure.querySelectorAll('svg path')).find(e => /A/.test(e.getAttribute('d')) && e.getAttribute('fill') !== 'none'), m = dot.getCTM(), box = dot.getBBox(); dot.setAttribute('transform', `translate(${-m.a * (box.x + box.width / 2)},${m.d * 40}) scale(${m.a})`); return figure.id;"),
    "a spanning tree in pieces": ("pieces", NETWORK + "links.forEach(e => e.setAttribute('d', e.getAttribute('d').match(/M[^M]*/g).filter((_, i) => i % 2).join(''))); return figure.id;"),
    "a title that counts coefficients": ("title", "const figure = first('figure'); figure.querySelector('h3').textContent = '7 of 27 coefficients differ from zero'; return figure.id;"),
    "a text that is not filled in": ("title", "const figure = first('figure'); figure.querySelector('h3').textContent = 'Exports fell by {share}'; return figure.id;"),
    "no subtitle": ("subtitle", "const figure = first('figure'); figure.querySelector('.subtitle')?.remove(); return figure.id;"),
    "estimates in standard errors": ("units", "const figure = first('figure'); figure.querySelector('svg text').textContent = 'estimate, in standard errors'; return figure.id;"),
    "a map of few regions without names": ("names", MAP + "figure.querySelectorAll('svg text').forEach(e => { if (!/\\d/.test(e.textContent)) e.remove(); }); return figure.id;"),
    "classes that break at -0.81": ("classes", MAP + "figure.querySelector('svg text').textContent = '−0.81 to 0.00'; return figure.id;"),
    "a year printed 2,007": ("years", "const figure = first('figure[id^=national]'); Array.from(figure.querySelectorAll('svg text')).find(e => e.textContent === '2007').textContent = '2,007'; return figure.id;"),
    "a year of a table printed 2,007": ("years", "const cell = first('#of-conversion td') || document.querySelector('#of-conversion td'); for (let e = cell; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true; cell.textContent = '2,007'; return 'of-conversion';"),
    "a path without an interval": ("interval", "const figure = first('figure[id^=path]'); figure.querySelectorAll('svg path, svg polygon').forEach(e => { const s = getComputedStyle(e); if ((s.fill !== 'none' && s.fillOpacity * s.opacity < 0.95) || e.getBBox().width < 16) e.remove(); }); figure.querySelectorAll('figcaption, .subtitle').forEach(e => { e.textContent = 'Exports by year.'; }); return figure.id;"),
    "a grey text on white": ("contrast", "const text = first('h2'); text.style.color = '#b0b4ba'; return text.closest('section, header').id;"),
    "a grey label on a picture": ("contrast", "const figure = first('figure[id^=national]'); figure.querySelector('svg text').setAttribute('fill', '#b0b4ba'); return figure.id;"),
    "a label that is lost on its shape": ("contrast", MAP + "const shapes = Array.from(figure.querySelectorAll('svg path')).filter(e => e.getBBox().width > 30); shapes.forEach(e => e.setAttribute('fill', '#2166ac')); const on = shapes.find(e => { const b = e.getBBox(); return e.isPointInFill(new DOMPoint(b.x + b.width / 2, b.y + b.height / 2)); }), box = on.getBBox(), text = figure.querySelector('svg text'); text.setAttribute('fill', '#1f2328'); text.style.stroke = 'none'; text.setAttribute('transform', on.getAttribute('transform') || ''); text.setAttribute('x', box.x + box.width / 2); text.setAttribute('y', box.y + box.height / 2); text.setAttribute('text-anchor', 'middle'); text.textContent = 'x'; return figure.id;"),
    "a button out of the keyboard's reach": ("keyboard", "const button = first('#regions th button'); button.tabIndex = -1; return 'regions';"),
    "a focus that is not seen": ("keyboard", "document.getElementById('search').style.outline = 'none'; return 'list';"),
    "an error on the console": ("console", "console.error('a fault'); return 'page';"),
    "a figure that is not drawn": ("whole", "const figure = first('figure'); figure.querySelector('svg').replaceChildren(); return figure.id;"),
    "two elements of one id": ("whole", "const [a, b] = document.querySelectorAll('figure'); b.id = a.id; return a.id;"),
}
ON_PAPER = {
    "a figure divided between pages": ("paper", "const figure = first('figure'); figure.style.breakInside = 'auto'; return figure.id;"),
    "a figure higher than a page": ("paper", "const figure = first('figure'); figure.style.height = '1500px'; return figure.id;"),
}


def are_found(chromium, path):
    """Faults that are not found, in words."""
    missed = []
    for paper, faults in ((False, FAULTS), (True, ON_PAPER)):
        for fault, (check, script) in faults.items():
            with looking.opened(chromium, path, looking.A4["width"] if paper else 1280, paper=paper) as (page, said):
                at = page.evaluate(f"() => {{ {FIRST} {OF_CHART} {script} }}")
                assert at is not None, f"the page has no place for {fault}"
                if check == "contrast":
                    found = looking.seen(page, checks=[check]) + looking.contrast_in_pictures(page)
                elif check == "keyboard":
                    found = looking.keys(page)
                elif check == "console":
                    page.wait_for_timeout(50)
                    found = said
                else:
                    found = looking.seen(page, checks=[check], print=paper, page_height=looking.A4["height"])
                if not any(of[:2] == (check, at) for of in found):
                    missed.append(f"{fault}: `{check}` does not find it at {at}, but {[of[:2] for of in found][:5]}")
    return missed
