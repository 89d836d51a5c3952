// Lays out in pages/ what VitePress makes the site of: the Markdown files as they are, the pictures, and a
// page for each source file of a stage, and for whatever else one of the texts links to.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path/posix";

const { ROOT } = process.env;
const LANGUAGES = { ".hpp": "cpp", ".cpp": "cpp", ".py": "python", ".cmake": "cmake", ".js": "js" };
const files = readdirSync(ROOT, { withFileTypes: true }).filter(({ name }) => !/^(build$|\.)/.test(name))
  .flatMap((entry) => entry.isFile() ? [entry.name] : readdirSync(join(ROOT, entry.name), { recursive: true })
    .map((inner) => join(entry.name, inner)).filter((file) => extname(file) || file.includes("/tutorial/")));
const texts = files.filter((file) => extname(file) === ".md" && !file.includes("/hints/"));
const linked = new Set(texts.flatMap((file) =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(/\]\(([^)#\s]+)|href="([^"#]+)/g)]
    .map((link) => join(dirname(file), link[1] ?? link[2]).replace(/\/$/, ""))));
const isSource = (file) => linked.has(file) || linked.has(dirname(file))
  || /^(\d\d_\w+|asyncio|common)\/(?!tests)[^/]+\.[ch]pp$/.test(file);

function put(file, settings, text) {
  mkdirSync(dirname(join("pages", file)), { recursive: true });
  writeFileSync(join("pages", file),
    `---\nsearch: false\neditLink: false\nprev: false\nnext: false\n${settings}---\n${text}`);
}

const sources = files.filter((file) => isSource(file) && ![".md", ".svg"].includes(extname(file)));
for (const file of sources) {
  put(`${file}.md`, "aside: false\n", `# ${file.replaceAll("/", "/<wbr>")}\n~~~~~~${LANGUAGES[extname(file)] ?? "text"}:line-numbers anchors\n`
    + `${readFileSync(join(ROOT, file), "utf8").trimEnd()}\n~~~~~~\n`);
}
for (const folder of new Set(sources.map(dirname))) {
  put(`${folder}/files.md`, "", `# The files of ${folder}\nThe programs, the headers, and what the text links to.\n` + sources.filter((file) => file.startsWith(`${folder}/`))
    .sort().map((file) => `* [${file.slice(folder.length + 1)}](/${file}.html)\n`).join(""));
}
for (const file of [...texts, ...files.filter((file) => extname(file) === ".svg")]) {
  cpSync(join(ROOT, file), join("pages", file));
  if (extname(file) === ".svg") { // where a link shows it alone
    cpSync(join(ROOT, file), join("pages/public", file));
  }
}
for (const [page, file, title] of [["replay", "replay.html", "The replay"], ["deck", "slides/lecture.html", "The slides"]]) {
  const made = `made/${basename(file)}`;
  if (existsSync(join(ROOT, "build", file))) {
    cpSync(join(ROOT, "build", file), join("pages/public", made));
    put(`${page}.md`, "aside: false\n", `# ${title}\n<a href="${process.env.BASE ?? "/"}${made}" target="_blank">Open it in a tab of its own</a>`
      + `\n\n<iframe class="${page}" src="${process.env.BASE ?? "/"}${made}" title="${title}"></iframe>\n`);
  }
}
