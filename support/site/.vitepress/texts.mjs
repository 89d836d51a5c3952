// What the site adds to the text of a page before VitePress reads it. All of it works without JavaScript.

// The choices of a question become `details`, with what the answer below says of each.
export function answerable(text, inline) {
  return text.replace(/(?:^\* [A-D]: .*\n(?: {2}.*\n)*)+/gm, (choices, at) => {
    const isQuiz = text.startsWith("# Questions");
    const answer = text.slice(at).split(isQuiz ? "</details>" : "<!-- end: answer")[0];
    const right = answer.match(/^\*\*([A-D])[.:][^]*?\*\* ([^]*?)\n\n/m);
    return choices.replace(/^\* ([A-D]): ([^]*?)\n(?! )/gm, (_, letter, words) => {
      const against = new RegExp(`^\\* (?:Why not ${letter}: |\\*\\*${letter}\\*\\*, [^]*?\\?\\s)([^]*?)\\n(?! )`, "m");
      const is = letter === right[1], reason = is ? right[2] : answer.match(against)[1];
      return `<details class="choice ${is ? "right" : "wrong"}"><summary>${letter}: ${inline(words)}</summary>\n\n`
        + `**${is ? "Yes" : "No"}:** ${reason}\n\n</details>\n`;
    });
  }).replace(/^<details><summary>The answer<\/summary>[^]*?<\/details>\n/gm, "");
}

// Below the paragraph that speaks of a moment of the replay: that moment.
export function withFrames(text, base) {
  return text.replace(/^.*`build\/(replay\.html#[\w,@]+)`(?:.*\n)*?(?=\n)/gm, (paragraph, moment) =>
    `${paragraph}\n<iframe class="replay" src="${base}made/${moment}" title="The replay" loading="lazy"></iframe>\n`);
}

// At the head of "What changed": the handler here and in the stage before, one tab each.
export function withBefore(text, names, handlers) {
  const tabs = names.map((name, at) => `\`\`\`cpp [${name}]\n${handlers[at]}\n\`\`\`\n`);
  return text.replace(/^## What changed\n/m, `$&::: code-group\n${tabs.join("\n")}:::\n\n`);
}
