#!/usr/bin/env python3
"""Draws the diagrams of the lecture: slides/*.svg. The real runs, NN_stage/timeline.svg, are drawn
by ./tutorial pictures."""

from html import escape
from pathlib import Path

WIDTH = 1160
INK, LINE, KERNEL, OURS, HERE = "#24303c", "#0d4a56", "#e3edf0", "#ffffff", "#ffe3c7"
SANS, MONO = "DejaVu Sans, Segoe UI, Helvetica, Arial, sans-serif", "DejaVu Sans Mono, Menlo, monospace"


class Drawing:
    def __init__(self, name, height, says):
        self.name, self.height, self.says, self.parts = name, height, says, []

    def text(self, x, y, text, font=SANS, anchor="middle", colour=INK):
        for number, line in enumerate(text.split("\n")):
            self.parts.append(f'<text x="{x}" y="{y + 31 * number}" font-family="{font}" font-size="25" '
                              f'text-anchor="{anchor}" fill="{colour}" xml:space="preserve">{escape(line)}</text>')

    def code(self, x, y, text, anchor="middle", colour=INK):
        self.text(x, y, text, MONO, anchor, colour)

    def box(self, x, y, width, height, text="", fill=OURS, font=SANS, dashed=False):
        dashes = ' stroke-dasharray="9 6"' if dashed else ""
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="{fill}" '
                          f'stroke="{LINE}" stroke-width="2.5"{dashes}/>')
        if text:
            first = y + height / 2 + 9 - 15.5 * text.count("\n")
            self.text(x + width / 2, first, text, font)

    def arrow(self, *points, colour=LINE):
        path = "M" + " L".join(f"{x} {y}" for x, y in points)
        self.parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="3.5" '
                          f'marker-end="url(#head)"/>')

    def save(self):
        lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" '
                 f'width="{WIDTH}" height="{self.height}" role="img">',
                 f"<title>{escape(self.says)}</title>",
                 '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="5" '
                 f'markerHeight="5" orient="auto"><path d="M0 0L10 5L0 10z" fill="{LINE}"/></marker></defs>',
                 *self.parts, "</svg>", ""]
        (Path(__file__).parent / f"{self.name}.svg").write_text("\n".join(lines), encoding="utf-8")


def buffers():
    it = Drawing("buffers", 470, "The buffers of a connection, and the backlog of a listener")
    it.box(0, 60, 170, 120, "client")
    it.box(990, 60, 170, 120, "server")
    it.box(250, 20, 660, 430, fill=KERNEL)
    it.text(580, 56, "the kernels", colour=LINE)
    it.box(290, 80, 250, 64, "send buffer")
    it.box(620, 80, 250, 64, "receive buffer")
    it.box(290, 176, 250, 64, "receive buffer")
    it.box(620, 176, 250, 64, "send buffer")
    it.arrow((170, 112), (288, 112))
    it.arrow((540, 112), (618, 112))
    it.arrow((870, 112), (988, 112))
    it.arrow((990, 170), (940, 208), (872, 208))
    it.arrow((620, 208), (542, 208))
    it.arrow((290, 208), (220, 208), (172, 170))
    it.code(210, 94, "send")
    it.code(950, 94, "recv")
    it.code(955, 246, "send")
    it.code(205, 246, "recv")
    it.text(580, 300, "backlog: connected, not yet accepted", colour=LINE)
    for number in range(4):
        it.box(370 + 105 * number, 322, 95, 64, f"{7 - number}")
    it.arrow((170, 354), (368, 354))
    it.arrow((785, 354), (988, 354))
    it.code(140, 326, "connect", "middle")
    it.code(1050, 340, "accept")
    it.text(580, 426, "The kernel does this without asking the program.")
    it.save()


def sets():
    it = Drawing("fd_set", 400, "Two sets before and after a call of select: only the ready ones are left")
    left, cell = 240, 62
    bits = {"before": ("readable", {3, 4, 6, 7, 9}, 90), "before ": ("writable", {5, 8}, 150),
            "after": ("readable", {6}, 280), "after ": ("writable", {8}, 340)}
    for number in range(12):
        it.code(left + cell * number + cell / 2, 72, str(number))
    for name, members, y in bits.values():
        it.code(left - 20, y + 36, name, "end")
        for number in range(12):
            is_in = number in members
            it.box(left + cell * number, y, cell, 52, "1" if is_in else "0", HERE if is_in else OURS, MONO)
        it.code(left + cell * 12 + 16, y + 36, "... 1023", "start")
    it.text(left, 30, "descriptor (a bit for each of 1,024)", anchor="start", colour=LINE)
    it.arrow((left + 90, 208), (left + 90, 274))
    it.code(left + 115, 249, "select(10, &readable, &writable, ...)", "start")
    it.save()


def turn():
    it = Drawing("turn", 430, "One turn of the loop: wait, call for ready sockets, call what is in ready_, and again")
    it.box(20, 110, 320, 110, "wait\n(sockets, timers)", KERNEL)
    it.box(420, 110, 320, 110, "call the callbacks\nof ready sockets", HERE)
    it.box(820, 110, 320, 110, "call exactly what\nis in ready_", HERE)
    it.arrow((340, 165), (418, 165))
    it.arrow((740, 165), (818, 165))
    it.arrow((980, 110), (980, 40), (180, 40), (180, 108))
    it.text(580, 84, "the next turn")
    it.box(420, 300, 320, 70, "ready_: | | | |", font=MONO)
    it.arrow((180, 220), (180, 335), (418, 335))
    it.text(200, 322, "due timers", anchor="start")
    it.arrow((580, 220), (580, 298))
    it.code(600, 268, "call_soon", "start")
    it.arrow((740, 335), (850, 335), (850, 222))
    it.arrow((1060, 222), (1060, 412), (580, 412), (580, 372))
    it.code(1046, 300, "call_soon:", "end")
    it.text(1046, 331, "next turn", anchor="end")
    it.save()


def states():
    it = Drawing("future", 260, "A Future is pending, and then once has a result or has an exception")
    it.box(20, 85, 230, 90, "pending", HERE)
    for number, (call, state) in enumerate([("set_result(value)", "has a result"),
                                            ("set_exception(error)", "has an exception")]):
        y = 30 + 120 * number
        it.box(660, y, 250, 90, state)
        it.arrow((250, 116 + 28 * number), (310, y + 45), (658, y + 45))
        it.code(474, y + 32, call)
    it.box(643, 10, 287, 240, dashed=True, fill="none")
    it.text(985, 108, "done:\nthe callbacks\nare called", anchor="start")
    it.arrow((930, 130), (975, 130))
    it.save()


def frame():
    it = Drawing("frame", 390, "A generator that is called is an object with a pointer to its frame on the heap")
    it.box(20, 90, 300, 120, "Generator\npromise_")
    it.text(170, 60, "what the caller has", colour=LINE)
    it.box(500, 60, 400, 310, fill=KERNEL)
    it.text(700, 40, "the frame, on the heap", colour=LINE)
    for number, (what, fill) in enumerate([("the value it yields", OURS), ("name: \"Ann\"", OURS),
                                           ("i: 2", OURS), ("place: at the co_yield", HERE)]):
        it.box(520, 80 + 72 * number, 360, 60, what, fill)
    it.arrow((320, 165), (498, 165))
    it.text(20, 270, "next(): continue at the place,\nuntil the next co_yield", anchor="start")
    it.text(20, 350, "destroy: destructors run", anchor="start")
    it.text(915, 120, "the local\nvariables\nlive here,\nnot on\na stack", anchor="start")
    it.save()


def delegates():
    it = Drawing("delegate", 240, "Generators that yield in each other's place: the innermost runs")
    for number, (name, yields) in enumerate([("echo_handler", "elements_of(login)"),
                                             ("login", "elements_of(recv_line)"),
                                             ("recv_line", "co_yield a Future")]):
        x = 4 + 402 * number
        it.box(x, 40, 346, 100, f"{name}\n{yields}", HERE if number == 2 else OURS, MONO)
        if number:
            it.arrow((x - 56, 90), (x - 2, 90))
            it.code(x - 28, 26, "delegate")
    it.arrow((1000, 140), (1000, 200), (180, 200), (180, 142))
    it.text(590, 232, "what it yields is the next value of the outermost", colour=LINE)
    it.save()


def chain():
    it = Drawing("chain", 330, "Frames that await each other: each knows which one resumes when it has ended")
    for number, (name, waits) in enumerate([("create_task", "co_await coroutine"),
                                            ("echo_handler", "co_await recv"),
                                            ("recv", "co_await Ready")]):
        x = 20 + 400 * number
        it.box(x, 70, 320, 130, f"{name}\n{waits}", HERE if number == 2 else OURS, MONO)
        if number:
            it.arrow((x, 160), (x - 78, 160))
    it.code(380, 50, "awaited_by")
    it.code(780, 50, "awaited_by")
    it.arrow((1000, 268), (1000, 202))
    it.code(1140, 300, "the loop: waiting.resume()", "end")
    it.text(20, 250, "A coroutine that ends says what runs next, and passes its value on.", anchor="start")
    it.save()


for draw in (buffers, sets, turn, states, frame, delegates, chain):
    draw()
