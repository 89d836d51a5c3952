// What the site adds to the text of a page before VitePress reads it. All of it works without JavaScript.

// The choices of a question become `details`, each with what the answer below says about it.
export function answerable(text, inline) {
  const isQuiz = text.startsWith("# Questions");
  const result = text.replace(/(?:^\* [A-D]: .*\n(?: {2}.*\n)*)+/gm, (choices, at) => {
    const answer = text.slice(at).split(isQuiz ? "</details>" : "<!-- end: answer")[0];
    const right = answer.match(/^\*\*([A-D])[.:][^]*?\*\* ([^]*?)\n\n/m);
    return choices.replace(/^\* ([A-D]): ([^]*?)\n(?! )/gm, (_, letter, words) => {
      const against = new RegExp(`^\\* (?:Why not ${letter}: |\\*\\*${letter}\\*\\*, [^]*?\\?\\s)([^]*?)\\n(?! )`, "m");
      const [kind, reason] = letter === right[1] ? ["right", `**Yes:** ${right[2]}`] : ["wrong", `**No:** ${answer.match(against)[1]}`];
      return `<details class="choice ${kind}"><summary>${letter}: ${inline(words)}</summary>\n\n${reason}\n\n</details>\n`;
    });
  });
  return isQuiz ? result.replace(/^<details><summary>The answer[^]*?<\/details>\n/gm, "") : result;
}

// Below the paragraph that speaks of a moment of the replay: that moment.
export function withFrames(text, base) {
  return text.replace(/^.*`build\/(replay\.html#[\w,@]+)`[^]*?(?=\n\n|\n<\/)/gm, (paragraph, moment) =>
    `${paragraph}\n\n<iframe class="replay" src="${base}made/${moment}" title="The replay" loading="lazy"></iframe>\n`);
}

// At the head of "What changed": the handler in the stage before, and here.
export function withHandlers(text, tabs) {
  const fences = tabs.map(([name, code]) => `\`\`\`cpp [${name}]\n${code}\n\`\`\`\n`);
  return text.replace(/^## What changed\n/m, `$&::: code-group\n${fences.join("\n")}:::\n\n`);
}
