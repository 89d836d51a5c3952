// Looks at every slide as it is drawn, in a window of 1280x720. deck.py runs this in the page.

const LEAST_CODE = 24, LEAST_INLINE_CODE = 20; // px of a slide that is 720 high
const LEAST_CONTRAST = 4.5;
const PRE = "pre, marp-pre"; // Marp puts its own element into the place of each <pre>
const WHITE = [255, 255, 255, 1];
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

function parseColour(text) { // in whatever notation: red, green, blue, and opacity from 0 to 1
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
}

function blend(top, under) {
    const alpha = top[3];
    return [0, 1, 2].map(i => top[i] * alpha + under[i] * (1 - alpha)).concat(1);
}

// As WCAG 2 defines it, from 1 to 21.
function contrast(one, other) {
    const [darker, lighter] = [one, other].map(luminance).sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour) {
    const [red, green, blue] = colour.map(value => value / 255)
        .map(value => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

// From the element outwards, until nothing shines through.
function backgroundOf(element, pseudo) {
    const layers = pseudo ? [parseColour(getComputedStyle(element, pseudo).backgroundColor)] : [];
    for (let each = element; each; each = each.parentElement) {
        layers.push(parseColour(getComputedStyle(each).backgroundColor));
    }
    return layers.reduceRight((under, top) => blend(top, under), WHITE);
}

function textsIn(element) {
    const texts = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        if (walker.currentNode.data.trim()) {
            texts.push(walker.currentNode);
        }
    }
    return texts;
}

function scaleOf(element) { // by all transformations together
    const probe = element.appendChild(document.createElement("span"));
    probe.style = "position: absolute; width: 1000px";
    const width = probe.getBoundingClientRect().width;
    probe.remove();
    return width / 1000;
}

function placesOf(text) {
    const range = document.createRange();
    range.selectNodeContents(text);
    return [...range.getClientRects()].filter(place => place.width > 0);
}

function quote(text) {
    const short = text.trim().replace(/\s+/g, " ");
    return short.length > 30 ? `"${short.slice(0, 30)}..."` : `"${short}"`;
}

function insideOf(element) { // without its border and its padding
    const box = element.getBoundingClientRect(), style = getComputedStyle(element);
    const width = side => parseFloat(style[`border${side}Width`]) + parseFloat(style[`padding${side}`]);
    return { left: box.left + width("Left"), right: box.right - width("Right"),
             top: box.top + width("Top"), bottom: box.bottom - width("Bottom") };
}

class Slide {
    constructor(section) {
        this.section = section;
        this.texts = textsIn(section);
        this.pictures = [...section.querySelectorAll("img")];
        this.problems = new Set(); // the same colours are often wrong in many places
    }

    check() {
        this.checkSizes();
        this.checkThatAllFits();
        this.checkPageNumber();
        this.checkContrast();
        for (const picture of this.pictures) {
            if (!picture.alt.trim()) {
                this.problems.add("a picture has no alt text");
            }
            if (picture.src.startsWith("data:image/svg+xml;base64,")) {
                this.checkPicture(picture);
            } else {
                this.problems.add(`a picture is not in the file, or is no SVG: ${picture.getAttribute("src")}`);
            }
        }
        return [...this.problems];
    }

    // Marp scales code down that is too wide: its font size alone says nothing.
    checkSizes() {
        for (const text of this.texts) {
            const code = text.parentElement.closest("code");
            if (code) {
                const isInline = !code.closest(PRE);
                const size = parseFloat(getComputedStyle(text.parentElement).fontSize) * scaleOf(code);
                if (size < (isInline ? LEAST_INLINE_CODE : LEAST_CODE) - 0.05) {
                    this.problems.add(`code of ${size.toFixed(1)} px` + (isInline ? ` in a line: ${quote(text.data)}` : ""));
                }
            }
        }
    }

    checkThatAllFits() {
        const worst = new Map();
        const measure = (frame, place, what) => {
            const inside = insideOf(frame);
            for (const [side, by] of [["left", inside.left - place.left], ["right", place.right - inside.right],
                                      ["top", inside.top - place.top], ["bottom", place.bottom - inside.bottom]]) {
                const key = frame.tagName + side;
                if (by > 1 && by > (worst.get(key)?.by ?? 0)) {
                    worst.set(key, { by, side, what, frame });
                }
            }
        };
        for (const text of this.texts) {
            for (const place of placesOf(text)) {
                measure(text.parentElement.closest(`${PRE}, section`), place, quote(text.data));
            }
        }
        for (const box of this.section.querySelectorAll(`${PRE}, img, table`)) {
            measure(this.section, box.getBoundingClientRect(), box.tagName.toLowerCase());
        }
        for (const { by, side, what, frame } of worst.values()) {
            const of = frame === this.section ? "the slide" : "its box";
            this.problems.add(`${Math.ceil(by)} px too far at the ${side} of ${of}: ${what}`);
        }
    }

    checkPageNumber() {
        const style = getComputedStyle(this.section, "::after");
        if (style.content === "none") {
            return;
        }
        const slide = this.section.getBoundingClientRect();
        const [right, bottom] = [slide.right - parseFloat(style.right), slide.bottom - parseFloat(style.bottom)];
        const [left, top] = [right - parseFloat(style.width), bottom - parseFloat(style.height)];
        for (const place of [...this.texts.flatMap(placesOf),
                             ...this.pictures.map(picture => picture.getBoundingClientRect())]) {
            if (place.right > left && place.bottom > top && place.left < right && place.top < bottom) {
                this.problems.add("something is below the page number");
            }
        }
    }

    checkContrast() {
        for (const text of this.texts) {
            this.compare(getComputedStyle(text.parentElement).color, backgroundOf(text.parentElement), text.data);
        }
        for (const element of [this.section, ...this.section.querySelectorAll("*")]) {
            for (const pseudo of ["::before", "::after"]) {
                const style = getComputedStyle(element, pseudo);
                if (!["none", "normal", '""'].includes(style.content)) {
                    this.compare(style.color, backgroundOf(element, pseudo), style.content);
                }
            }
        }
    }

    compare(colour, background, text) {
        const ratio = contrast(blend(parseColour(colour), background), background);
        if (ratio < LEAST_CONTRAST) {
            const under = background.slice(0, 3).map(Math.round).join(", ");
            this.problems.add(`contrast ${ratio.toFixed(2)}: ${colour} on rgb(${under}), as in ${quote(text)}`);
        }
    }

    // A picture is a document of its own. A copy of it in the page, of the same size, tells what lies
    // below each of its texts.
    checkPicture(picture) {
        const host = document.body.appendChild(document.createElement("div"));
        host.style = "position: fixed; inset: 0; z-index: 1000; color-scheme: light";
        const [base64, view] = picture.src.split("base64,")[1].split("#");
        const source = new TextDecoder().decode(
            Uint8Array.from(atob(base64), character => character.charCodeAt(0)));
        const root = host.attachShadow({ mode: "open" });
        root.innerHTML = source;
        const svg = root.querySelector("svg");
        const { width, height } = picture.getBoundingClientRect();
        svg.setAttribute("width", width);
        svg.setAttribute("height", height);
        if (view) { // only this rectangle is shown: svgView(viewBox(X,Y,WIDTH,HEIGHT))
            svg.setAttribute("viewBox", view.match(/[\d.]+,[\d.,]+/)[0]);
        }
        const paper = backgroundOf(picture);
        for (const text of textsIn(svg)) {
            const element = text.parentElement;
            for (const place of placesOf(text)) {
                for (const part of [0.05, 0.5, 0.95]) {
                    const stack = root.elementsFromPoint(place.left + place.width * part, place.top + place.height / 2);
                    if (!stack.includes(element)) {
                        continue; // it has a place, and yet is not shown
                    }
                    const below = stack.slice(stack.indexOf(element) + 1)
                        .filter(each => each instanceof SVGGeometryElement)
                        .map(each => getComputedStyle(each))
                        .filter(style => style.fill !== "none")
                        .reduceRight((under, style) => blend(parseColour(style.fill), under), paper);
                    this.compare(getComputedStyle(element).fill, below, text.data);
                }
            }
        }
        host.remove();
    }
}

const nextFrame = () => new Promise(resolve => requestAnimationFrame(resolve));

async function checkDeck() {
    const sections = [...document.querySelectorAll("svg[data-marpit-svg] section")];
    const problems = [];
    for (const [at, section] of sections.entries()) {
        location.hash = `#${at + 1}`;
        await nextFrame(); // it is shown,
        await nextFrame(); // and what is too wide scaled down
        const heading = section.querySelector("h1, h2, marp-h1, marp-h2")?.textContent ?? "";
        problems.push(...new Slide(section).check().map(what => `slide ${at + 1} (${heading}): ${what}`));
    }
    return { slides: sections.length, problems };
}
