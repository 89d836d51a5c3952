// Shows the recordings of README.md: one, or two beside each other, step by step. What is shown
// follows from `position` and from nothing else; it is also what the address says after the #.
"use strict";

const recordings = JSON.parse(document.getElementById("recordings").textContent);
const CLIENTS = [1, 2, 3];
const WORDS = { r: "read", w: "write", rw: "read, write" };
const STATES = {
  absent: "not here", queue: "in the queue", "in hand": "accepted", runs: "runs",
  waits: "waits", stands: "waits", kept: "waits", gone: "gone",
};

// ---- the recordings --------------------------------------------------------------------------

// A step names what has changed; here each gets its whole state.
for (const recording of recordings) {
  let state = {};
  recording.states = recording.steps.map((step) => {
    state = { ...state };
    for (const [name, value] of Object.entries(step)) {
      if (!["kind", "says", "action", "client"].includes(name)) {
        state[name] = recording.values[value];
      }
    }
    return state;
  });
  recording.number = recording.stage.slice(0, 2);
}

function find(number) {
  return recordings.find((recording) => recording.number === number);
}

// Where each action of a client begins, and the steps that follow from it.
function chapters(recording) {
  const result = [{ action: 0, first: 0, last: 0 }];
  recording.steps.forEach((step, i) => {
    if (step.action) {
      result.push({ action: step.action, first: i, last: i });
    }
    result[result.length - 1].last = i;
  });
  return result;
}

// The moments of one recording, or of two in step: what a client does, both do at the same
// moment, and who has less to do waits. A client may do something later than beside it (in
// stage 01 it waits for its answer first): then the other one waits.
function moments(left, right) {
  if (!right) {
    return left.steps.map((_, i) => [i]);
  }
  const a = chapters(left);
  const b = chapters(right);
  const result = [];
  let at = [0, 0];
  const add = (one, other) => {
    const length = Math.max(...[one, other].map((c) => (c ? c.last - c.first + 1 : 0)));
    for (let i = 0; i < length; ++i) {
      at = [one, other].map((c, side) => (c ? Math.min(c.first + i, c.last) : at[side]));
      result.push(at);
    }
  };
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const isBoth = i < a.length && j < b.length && a[i].action === b[j].action;
    const isLeftLater = j < b.length && a.slice(i).some((c) => c.action === b[j].action);
    if (isBoth) {
      add(a[i++], b[j++]);
    } else if (j < b.length && (i === a.length || isLeftLater)) {
      add(null, b[j++]);
    } else {
      add(a[i++], null);
    }
  }
  return result;
}

// ---- small pieces ----------------------------------------------------------------------------

function element(name, attributes = {}, ...children) {
  const result = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    result.setAttribute(key, value);
  }
  result.append(...children);
  return result;
}

const SHAPES = {
  1: '<circle cx="12" cy="12" r="10"/>',
  2: '<rect x="2.5" y="2.5" width="19" height="19" rx="3"/>',
  3: '<path d="M12 0.8 23.2 12 12 23.2 0.8 12Z"/>',
  S: '<path d="M3 2.5h18v12l-9 8-9-8Z"/>',
  T: '<rect x="-2" y="4.5" width="28" height="15" rx="2"/>',
};

// A client is a number in a shape of its own: filled while it runs, hollow while it waits. S is
// the server itself: what accepts clients, and the loop in stage 03.
function mark(name, runs, title, isDashed = false) {
  const isThread = name[0] === "T";
  const colour = CLIENTS.includes(Number(name)) ? `var(--client${name})` : "var(--server)";
  const holder = element("span", { title, role: "img", "aria-label": title });
  holder.innerHTML =
    `<svg class="mark${isThread ? " wide" : ""}" viewBox="${isThread ? "-3 0 30 24" : "0 0 24 24"}" aria-hidden="true" ` +
    `stroke="${colour}" stroke-width="2"${isDashed ? ' stroke-dasharray="4 2.6"' : ""} fill="${runs ? colour : "var(--paper)"}">${SHAPES[isThread ? "T" : name]}` +
    `<text x="12" y="${name === "S" ? 15 : 16.7}" stroke="none" fill="${runs ? "var(--mark)" : colour}">${name}</text></svg>`;
  return holder;
}

function markOf(whose) {
  const client = /^client (\d)$/.exec(whose);
  return client ? mark(client[1], false, whose) : whose.replace("the ", "");
}

const TOKEN =
  /(\/\/.*)|("(?:[^"\\]|\\.)*")|\b(co_await|co_yield|co_return|while|for|if|else|return|try|catch|throw|break|const|auto|bool|void|int|true|false|struct|using)\b/g;

function highlighted(line) {
  const code = element("code");
  const indent = line.search(/\S|$/) + 4; // of what does not fit into one line
  code.style.paddingLeft = `${indent}ch`;
  code.style.textIndent = `-${indent}ch`;
  let end = 0;
  for (const match of line.matchAll(TOKEN)) {
    code.append(line.slice(end, match.index));
    const kind = match[1] ? "comment" : match[2] ? "string" : "keyword";
    code.append(element("span", { class: kind }, match[0]));
    end = match.index + match[0].length;
  }
  code.append(line.slice(end));
  return code;
}

// ---- a pane: one recording -------------------------------------------------------------------

class Pane {
  constructor(recording) {
    this.recording = recording;
    this.lines = recording.source.map((line, i) =>
      element("li", {}, element("span", { class: "marks" }),
        element("span", { class: "number" }, String(i + 1)), highlighted(line)));
    this.source = element("ol", { class: "source", tabindex: "0", "aria-label": `${recording.stage}/echo_server.cpp` },
      ...this.lines);
    this.panels = element("div", { class: "panels", tabindex: "0", "aria-label": `The state of ${recording.stage}` });
    this.root = element("article", { class: "pane", "data-stage": recording.number },
      element("h2", {}, `${recording.stage} `, element("span", {}, recording.way)),
      this.source, this.panels);
  }

  show(index) {
    const state = this.recording.states[index];
    this.panels.replaceChildren(
      this.placesPanel(state, this.recording.steps[index]),
      this.clientsPanel(state),
      ...(state.iteration > 0 || state.watched.length > 0 ? [this.loopPanel(state)] : []),
      this.threadsPanel(state));
    this.showLines(state); // last: the panels decide how much room there is for lines
  }

  showLines(state) {
    for (const line of this.lines) {
      line.className = "";
      line.removeAttribute("aria-current");
      line.firstChild.replaceChildren();
    }
    const put = (number, what) => {
      if (number > 0) {
        this.lines[number - 1].classList.add("marked");
        this.lines[number - 1].firstChild.append(what);
      }
    };
    const hasSomeone = (thread) => [0, ...CLIENTS].map((i) => state[`place${i}`])
      .some((place) => place.line === thread.line && ["runs", "waits"].includes(place.kind));
    for (const thread of state.threads.filter((one) => !hasSomeone(one))) {
      const doing = thread.call ? `waits in ${thread.call}` : "runs";
      put(thread.line, mark(`T${thread.number}`, !thread.call, `thread ${thread.number} ${doing}`));
    }
    put(state.place0.line, mark("S", state.place0.kind === "runs", `the server itself ${STATES[state.place0.kind]} here`));
    for (const client of CLIENTS) {
      const place = state[`place${client}`];
      put(place.line, mark(String(client), place.kind === "runs", `client ${client} ${STATES[place.kind]} here`));
      put(lineToBeCalled(this.recording, place), mark(String(client), false, `will be called for client ${client}`, true));
    }
    if (state.running > 0) {
      const line = this.lines[state.running - 1];
      line.classList.add("runs");
      line.setAttribute("aria-current", "step");
    }
    this.scrollTo(state);
  }

  // As little as is needed. Where not all fits, the last one is seen: who runs, or a client.
  scrollTo(state) {
    const lines = [...state.threads.map((thread) => thread.line), state.place0.line,
      ...CLIENTS.map((client) => lineToBeCalled(this.recording, state[`place${client}`])),
      ...CLIENTS.map((client) => state[`place${client}`].line), state.running];
    for (const line of lines.filter((one) => one > 0)) {
      const item = this.lines[line - 1];
      const top = item.offsetTop - 40;
      const bottom = item.offsetTop + item.offsetHeight + 40;
      if (top < this.source.scrollTop) {
        this.source.scrollTop = top;
      } else if (bottom > this.source.scrollTop + this.source.clientHeight) {
        this.source.scrollTop = bottom - this.source.clientHeight;
      }
    }
  }

  placesPanel(state, step) {
    const value = (client) => (client && state[`client${client}`].held > 0
      ? [element("span", { class: "value" }, `${variableOf(this.recording)}: ${state[`client${client}`].held.toLocaleString("en")} bytes`)] : []);
    const row = (name, title, place, isNow) => element("li", { class: (isNow ? "is-now " : "") + place.kind.replace(" ", "-") },
      mark(name, place.kind === "runs", title),
      element("span", {}, element("span", { class: "state" }, STATES[place.kind] + (place.line ? `, line ${place.line}` : "")),
        " ", element("span", { class: "words" }, place.words), ...value(Number(name))));
    return element("section", { class: "places" },
      element("h3", {}, "Where its place is kept"),
      element("ul", { class: "rows" },
        ...CLIENTS.map((client) => row(String(client), `client ${client}`, state[`place${client}`], step.client === client)),
        row("S", "the server itself", state.place0, false)));
  }

  clientsPanel(state) {
    return element("section", { class: "clients" },
      element("h3", {}, "The clients, in bytes"),
      element("ul", { class: "rows" }, ...CLIENTS.map((client) => {
        const { sent, got, reads, finished } = state[`client${client}`];
        const bar = element("span", { class: "bar" }, element("i"));
        bar.firstChild.style.width = sent === 0 ? "0" : `${(100 * got) / sent}%`;
        bar.firstChild.style.background = `var(--client${client})`;
        const notes = (reads ? "" : ", does not read") + (finished ? ", sends no more" : "");
        const back = got === sent && sent > 0 ? "got all back" : `got ${got.toLocaleString("en")} back`;
        return element("li", { class: state[`place${client}`].kind.replace(" ", "-") },
          mark(String(client), false, `client ${client}`),
          element("span", {}, `sent ${sent.toLocaleString("en")}, ${back}${notes}`, bar));
      })));
  }

  loopPanel(state) {
    const chips = (list, look) => list.map(({ fd, whose, events }) =>
      element("span", { class: look }, element("span", {}, `fd ${fd}`), element("span", {}, markOf(whose)),
        element("span", {}, WORDS[events])));
    const terms = [
      ["iteration", [String(state.iteration)]],
      ["watched", chips(state.watched, "chip")],
      ["just returned", state.ready.length > 0 ? chips(state.ready, "chip found") : ["–"]],
    ];
    if (state.queue) {
      terms.push(["ready queue", state.queue.length > 0
        ? state.queue.map((words) => element("span", { class: "chip found" }, words)) : ["empty"]]);
      terms.push(["timers", [state.timers > 0 ? `${state.timers} set so far` : "none"]]);
    }
    return element("section", { class: "the-loop" }, element("h3", {}, "The loop"),
      element("dl", { class: "loop" }, ...terms.map(([name, value]) =>
        element("div", {}, element("dt", {}, name), element("dd", {}, ...value)))));
  }

  threadsPanel(state) {
    return element("section", { class: "threads" },
      element("h3", {}, state.threads.length > 1 ? "The threads, and their stacks" : "The thread, and its stack, which grows downwards"),
      element("ul", { class: "rows" }, ...state.threads.map((thread) => {
        const names = [...thread.stack, ...(thread.call ? [`${thread.call}()`] : [])];
        return element("li", {}, mark(`T${thread.number}`, !thread.call, `thread ${thread.number}`),
          element("ol", { class: "stack" }, ...names.map((name) => element("li", {}, name))));
      })));
  }
}

// ---- the page --------------------------------------------------------------------------------

const page = Object.fromEntries(["left", "right", "legend", "panes", "says", "why", "moments", "scrubber", "ticks", "play", "count",
  "next-clients", "controls"].map((id) => [id, document.getElementById(id)]));
let panes = [];
let timeline = []; // for each position: the step of each pane
let position = 0;
let timer = null;

function choose(left, right) {
  panes = [left, right].filter((recording) => recording).map((recording) => new Pane(recording));
  timeline = moments(left, right);
  page.left.value = left.number;
  page.right.value = right ? right.number : "";
  page.panes.className = right ? "two" : "";
  page.panes.replaceChildren(...panes.map((pane) => pane.root));
  page.scrubber.max = timeline.length - 1;
  page.moments.replaceChildren(...actions().map(momentButton));
  page.ticks.replaceChildren(...actions().map((at) => {
    const tick = element("i");
    tick.style.left = `${(100 * at) / (timeline.length - 1)}%`;
    tick.style.background = `var(--client${stepsAt(at).find((step) => step.action).client})`;
    return tick;
  }));
}

// What the clients do, by name: each is a way to go there.
function momentButton(at) {
  const { action, client } = stepsAt(at).find((step, side) => isNew(at, side) && step.action);
  const button = element("button", { type: "button", value: at }, mark(String(client), false, `client ${client}`), MOMENTS[action]);
  button.addEventListener("click", () => show(at));
  return button;
}

function showMoment() {
  const last = actions().filter((at) => at <= position).pop();
  for (const button of page.moments.children) {
    button.removeAttribute("aria-current");
    if (Number(button.value) === last) {
      button.setAttribute("aria-current", "step");
      page.moments.scrollLeft = button.offsetLeft - page.moments.offsetLeft - 40;
    }
  }
}

function stepsAt(at) {
  return panes.map((pane, side) => pane.recording.steps[timeline[at][side]]);
}

// Whether a pane has just come to its step here, and does not wait for the other one.
function isNew(at, side) {
  return at === 0 || timeline[at][side] !== timeline[at - 1][side];
}

function positions(test) {
  return timeline.map((_, at) => at).filter((at) =>
    stepsAt(at).some((step, side) => isNew(at, side) && test(step)));
}
function actions() {
  return positions((step) => step.action);
}

function show(at) {
  position = Math.max(0, Math.min(timeline.length - 1, at));
  page.says.className = panes.length > 1 ? "two-says" : "";
  page.says.replaceChildren(...stepsAt(position).map((step, side) => {
    const says = element("span", {}, step.says);
    says.style.opacity = isNew(position, side) ? 1 : 0.6;
    return says;
  }));
  const reasons = panes.map((pane, side) => whyOf(pane.recording, stepsAt(position)[side]));
  page.why.className = panes.length > 1 && position > 0 ? "two-says" : "";
  page.why.replaceChildren(...(position === 0 ? [INTRODUCTION] : reasons.map((why) => element("span", {}, why))));
  showMoment();
  panes.forEach((pane, side) => pane.show(timeline[position][side])); // in the room that is left
  page.scrubber.value = position;
  page.scrubber.setAttribute("aria-valuetext", stepsAt(position).map((step) => step.says).join(" "));
  page.count.textContent = `step ${position} of ${timeline.length - 1}`;
  const address = `#${panes.map((pane) => pane.recording.number).join(",")}@${position}`;
  if (location.hash !== address) {
    history.replaceState(null, "", address);
  }
}

const go = {
  first: () => show(0),
  last: () => show(timeline.length - 1),
  on: () => show(position + 1),
  back: () => show(position - 1),
  "action-on": () => show(actions().find((at) => at > position) ?? timeline.length - 1),
  "action-back": () => show(actions().reverse().find((at) => at < position) ?? 0),
  play: () => (timer === null ? play() : pause()),
};

function nextOf(client) {
  const next = positions((step) => step.client === client).find((at) => at > position);
  if (next !== undefined) {
    show(next);
  }
}

function play() {
  if (position === timeline.length - 1) {
    show(0);
  }
  timer = setInterval(() => {
    show(position + 1);
    if (position === timeline.length - 1) {
      pause();
    }
  }, 900);
  page.play.textContent = "pause";
}

function pause() {
  clearInterval(timer);
  timer = null;
  page.play.textContent = "play";
}

// "#07@42" is a step; "#01,07@a3" the third action in the script of the clients, which is the same
// whatever becomes of the code; "#03" the beginning.
function followAddress() {
  const match = /^#(\d\d)(?:,(\d\d))?(?:@(a?)(\d+))?$/.exec(location.hash);
  const left = (match && find(match[1])) || recordings[0];
  const right = match && match[2] && match[2] !== match[1] ? find(match[2]) : undefined;
  choose(left, right);
  const number = match && match[4] ? Number(match[4]) : 0;
  const isAction = match && match[3] === "a";
  show(isAction ? positions((step) => step.action === number).pop() ?? 0 : number);
}

// Keeps the place in the run: at the same event of a client.
function chooseBySelects() {
  const done = panes.length > 0 ? actions().filter((at) => at <= position).length : 0;
  pause();
  const left = find(page.left.value);
  choose(left, page.right.value === left.number ? undefined : find(page.right.value));
  show(done > 0 ? actions()[Math.min(done, actions().length) - 1] : 0);
}

for (const recording of recordings) {
  for (const select of [page.left, page.right]) {
    select.append(element("option", { value: recording.number }, recording.stage));
  }
}
page.legend.append(...[
  [mark("1", true, "client 1"), "runs"],
  [mark("1", false, "client 1"), "waits"],
  [mark("1", false, "client 1", true), "will be called"],
  [mark("S", false, "server"), "the server itself"],
  [mark("T1", false, "thread 1"), "a thread"],
].map((parts) => element("li", {}, ...parts)));
for (const client of CLIENTS) {
  const button = element("button", { type: "button", title: `the next event of client ${client} (${client})` },
    mark(String(client), false, `client ${client}`));
  button.addEventListener("click", () => nextOf(client));
  page["next-clients"].append(button);
}
page.left.addEventListener("change", chooseBySelects);
page.right.addEventListener("change", chooseBySelects);
page.scrubber.addEventListener("input", () => show(Number(page.scrubber.value)));
page.controls.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-go]");
  if (button) {
    go[button.dataset.go]();
  }
});
addEventListener("hashchange", followAddress);
addEventListener("resize", () => show(position));
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("select")) {
    return;
  }
  const names = {
    ArrowRight: "on", ArrowLeft: "back", PageDown: "action-on", PageUp: "action-back", Home: "first", End: "last", " ": "play",
  };
  const isPressed = event.key === " " && event.target.closest("button, summary"); // the browser does it
  if (names[event.key] && !isPressed) {
    go[names[event.key]]();
    event.preventDefault();
  } else if (CLIENTS.includes(Number(event.key))) {
    nextOf(Number(event.key));
  }
});
followAddress();
