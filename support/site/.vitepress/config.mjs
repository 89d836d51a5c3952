import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { answerable, withBefore, withFrames } from "./texts.mjs";

const { ROOT, BASE = "/", REPOSITORY } = process.env, PAGES = "pages";
const has = (page) => existsSync(join(PAGES, page));
const read = (page) => readFileSync(join(PAGES, page), "utf8");

// ---- the sidebar ----------------------------------------------------------------------------------

const stages = readdirSync(PAGES).filter((folder) => has(`${folder}/quiz.md`)); // the full library comes last
const item = (page, text = read(page).match(/^# (.*)/m)[1].replace(/`/g, "")) =>
  ({ text, link: `/${page.replace(/(README)?\.md$/, "")}` });
const list = (pages) => pages.filter(has).map((page) => item(page));
const others = (folder) => readdirSync(join(PAGES, folder), { recursive: true }).map((page) => `${folder}/${page}`)
  .filter((page) => /\.md$/.test(page) && !/[/.](README|quiz|files|hpp|cpp|txt|py|cmake)\.md$/.test(page));
const sidebar = [
  { text: "Start", items: [item("README.md", "Overview"), ...list(["tour/README.md", "GLOSSARY.md", "FURTHER.md"])] },
  { text: "The stages", items: stages.map((stage) => ({
    ...item(`${stage}/README.md`), collapsed: true, items: [
      item(`${stage}/quiz.md`, "Questions"), ...others(stage).map((page) => item(page)), item(`${stage}/files.md`, "Files"),
    ] })) },
  { text: "To look at", items: list(["replay.md", "deck.md", "MISTAKES.md"]) },
  { text: "Teaching and contributing", items: list(["slides/GUIDE.md", "CONTRIBUTING.md", "CHANGELOG.md",
    "common/README.md", "tour/replay/README.md", "support/prose/README.md"]) },
];

// ---- the text -------------------------------------------------------------------------------------

const handlers = JSON.parse(execFileSync("python3", ["-c", `
import json, sys
sys.path.append(sys.argv[1])
from sources import extract
print(json.dumps([extract(f"{stage}/echo_server.cpp#echo_handler") for stage in sys.argv[2:]]))`,
join(ROOT, "support/prose"), ...stages]));

// Where a link of the repository leads on the site.
function address(link, page) {
  const [, path, anchor] = link.match(/^([^#]*)(.*)$/), file = join(dirname(page), path);
  if (/^(\w+:|\/|#)/.test(link) || !existsSync(join(ROOT, file))) {
    return link;
  }
  if (statSync(join(ROOT, file)).isDirectory()) {
    return `${path.replace(/\/$/, "")}/files.html`;
  }
  return path.replace(/README\.md$/, "index.html").replace(/\.md$/, ".html")
    .replace(/(^|\/)([^/]+\.(?!html|svg)\w+|[A-Z]+|tutorial)$/, "$&.html") + anchor;
}

function likeTheRepository(md) {
  const inPage = (html, page) => html.replace(/\b(src|href)="([^"]+)"/g, (_, name, link) =>
    /^(\/|https?:|#)/.test(link) ? `${name}="${link}"` : `${name}="${name === "src" ? `./${link}` : address(link, page)}"`);
  md.core.ruler.before("normalize", "texts", (state) => {
    const stage = stages.indexOf(dirname(state.env.relativePath ?? "")); // none, if a title is asked for
    state.src = answerable(state.src, (words) => md.renderInline(words, state.env));
    if (has("replay.md")) {
      state.src = withFrames(state.src, BASE);
    }
    if (stage > 0) {
      state.src = withBefore(state.src, [stages[stage - 1], stages[stage]], handlers.slice(stage - 1));
    }
  });
  md.core.ruler.push("links", ({ tokens, env }) => {
    for (const token of tokens.flatMap((token) => [token, ...token.children ?? []])) {
      if (token.type === "link_open") {
        token.attrSet("href", address(token.attrGet("href"), env.relativePath));
      } else if (token.type.startsWith("html_")) {
        token.content = inPage(token.content, env.relativePath);
      } else if (token.type === "fence" && !/ (anchors|\[.*)$/.test(token.info)) {
        token.info = token.info.replace(/ .*/, ""); // where the code is from; VitePress would read line numbers in it
      }
    }
  });
}

function searched(text, env, md) { // what the search knows: no sources, no slides; and it needs no colors
  const { highlight } = md.options;
  md.options.highlight = null;
  const html = text.startsWith("---\n") ? "" : md.render(text, env);
  md.options.highlight = highlight;
  return html;
}

const lineAnchors = { // of the pages of source files
  line(node, line) {
    if (this.options.meta?.__raw?.includes("anchors")) {
      node.properties.id = `L${line}`;
    }
  },
};

export default {
  base: BASE, srcDir: PAGES, outDir: join(ROOT, "build/site"),
  lang: "en-US", title: "Seven ways to wait", titleTemplate: ":title · One echo server, seven ways to wait",
  head: [["link", { rel: "icon", href: "data:," }]],
  rewrites: (page) => page.replace(/README\.md$/, "index.md"),
  markdown: {
    config: likeTheRepository, codeTransformers: [lineAnchors], theme: { light: "github-light-default", dark: "github-dark-default" },
    anchor: { slugify: (text) => text.toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, "").replace(/ /g, "-") },
  },
  themeConfig: {
    sidebar, outline: [2, 3], search: { provider: "local", options: { _render: searched,
      translations: { button: { buttonAriaLabel: "Search K" } } } },
    nav: list(["replay.md", "deck.md", "GLOSSARY.md"]),
    ...(REPOSITORY && { editLink: { pattern: `${REPOSITORY}/edit/main/:path` } }),
  },
};
