import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path/posix";
import { answerable, withFrames, withHandlers } from "./texts.mjs";

const { ROOT, BASE = "/", REPOSITORY } = process.env, PAGES = "pages";
const read = (file) => readFileSync(join(ROOT, file), "utf8");
const has = (page) => existsSync(join(PAGES, page));

// ---- the sidebar ----------------------------------------------------------------------------------

const texts = readdirSync(PAGES, { recursive: true }).sort()
  .filter((page) => page.endsWith(".md") && existsSync(join(ROOT, page)) && page !== "slides/lecture.md");
const stages = texts.filter((page) => page.endsWith("quiz.md")).map(dirname); // the full library comes last
const first = ["tour/README.md", "GLOSSARY.md", "FURTHER.md", "MISTAKES.md"];
const item = (page, text = read(page).match(/^# (.*)/m)[1].replace(/`/g, "")) =>
  ({ text, link: `/${page.replace(/(README)?\.md$/, "")}` });
const made = [["replay.md", "The replay"], ["deck.md", "The slides"]].filter(([page]) => has(page))
  .map((page) => item(...page));
const sidebar = [
  { text: "Start", items: [item("README.md", "Overview"), ...first.filter(has).map((page) => item(page)), ...made] },
  { text: "The stages", items: stages.map((stage) => ({
    ...item(`${stage}/README.md`), collapsed: true,
    items: [...texts.filter((page) => page.startsWith(`${stage}/`) && page !== `${stage}/README.md`)
      .map((page) => item(page)), { ...item(`${stage}/files.md`, "Files"), docFooterText: `The files of ${stage}` }],
  })) },
  { text: "Teaching and contributing", items: texts
    .filter((page) => page !== "README.md" && !first.includes(page) && !stages.includes(page.split("/")[0])).map((page) => item(page)) },
];

// ---- the text -------------------------------------------------------------------------------------

const handlers = stages.map((stage) =>
  [stage, read(`${stage}/echo_server.cpp`).match(/^\S+ echo_handler\([^;]*?\{\n[^]*?^\}/m)[0]]);

function address(link, page) { // where a link of the repository leads on the site
  const [, path, anchor] = link.match(/^([^#]*)(.*)$/), target = join(ROOT, dirname(page), path);
  if (!path || /^(\w+:|\/)/.test(link) || !existsSync(target)) {
    return link;
  }
  if (statSync(target).isDirectory()) {
    return `${path.replace(/\/$/, "")}/files.html`;
  }
  const name = path.replace(/README\.md$/, "index.md");
  return /\.svg$/.test(name) ? link : name.replace(/\.md$/, "") + ".html" + anchor;
}

function asInTheRepository(md) {
  const addressesIn = (html, page) => html.replace(/\b(src|href)="([^"]+)"/g, (all, name, link) =>
    name === "href" ? `href="${address(link, page)}"` : /^[./]/.test(link) ? all : `src="./${link}"`);
  md.core.ruler.before("normalize", "additions", (state) => {
    const stage = stages.indexOf(dirname(state.env.relativePath ?? "")); // none, if only a title is asked for
    state.src = state.src.replace(/<a href="(\.\.\/)+actions[^]*?<\/a>\n/, ""); // a badge of the code host
    state.src = state.src.replace(/^!\[[^\]]*\]\(([^)]+)\)$/gm, "[$&]($1)"); // a touch shows it alone, large
    state.src = answerable(state.src, (words) => md.renderInline(words, state.env));
    state.src = has("replay.md") ? withFrames(state.src, BASE) : state.src;
    state.src = stage > 0 ? withHandlers(state.src, handlers.slice(stage - 1, stage + 1)) : state.src;
  });
  md.core.ruler.push("addresses", ({ tokens, env }) => {
    for (const token of tokens.flatMap((token) => [token, ...token.children ?? []])) {
      if (token.type === "link_open") {
        token.attrSet("href", address(token.attrGet("href"), env.relativePath));
      } else if (token.type === "code_inline" && token.content.length < 25) {
        token.attrSet("class", "short"); // not to be broken at a hyphen or a blank
      } else if (token.type.startsWith("html_")) {
        token.content = addressesIn(token.content, env.relativePath);
      } else if (token.type === "fence" && !/ (anchors|\[.*)$/.test(token.info)) {
        token.info = token.info.replace(/ .*/, ""); // the source; VitePress would read line numbers in it
      }
    }
  });
}

const lineAnchors = { // on the pages of sources
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
    config: asInTheRepository, codeTransformers: [lineAnchors],
    theme: { light: "github-light-default", dark: "github-dark-default" },
    anchor: { slugify: (text) => text.toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, "").replace(/ /g, "-") },
  },
  themeConfig: {
    sidebar, outline: [2, 3], nav: [...made, item("GLOSSARY.md")],
    search: { provider: "local", options: { // not the sources, nor the slides
      _render: (text, env, md) => text.startsWith("---\n") ? "" : md.render(text, env) } },
    ...(REPOSITORY && { editLink: { pattern: `${REPOSITORY}/edit/main/:path` } }),
  },
};
