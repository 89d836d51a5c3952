#!/bin/sh
# VitePress 1.6.4: double braces between backticks, as in `GreetFrame{{1 + 1}}`.
#
# Guess: they are shown as they are, because they are code.
# What happens: only a fenced block is taken as it is. A page becomes a Vue template, and there
# Vue computes what is between double braces, in a code span as well. So C++ with an initializer
# in an initializer loses its braces on the page, or the build fails if it is no JavaScript.
# What helps is `<code v-pre>`, or a space between the braces.
#
# Seen in November 2026, twice:
#     in a code span: Frame2
#     in a fenced block: Frame{{1 + 1}}
#
# Needs Node.js with npm. Status 1: it is different now; 77: one of these is missing.
set -eu
for tool in node npm; do
    command -v "$tool" > /dev/null || { echo "skipped: no $tool"; exit 77; }
done
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

echo '{ "private": true }' > package.json
npm install --no-audit --no-fund vitepress@1.6.4 > npm.log 2>&1 ||
    { tail -n 5 npm.log; echo "skipped: this version of VitePress cannot be installed"; exit 77; }

mkdir -p pages/.vitepress
echo 'export default {}' > pages/.vitepress/config.mjs
cat > pages/index.md << 'END'
Span: `Frame{{1 + 1}}`

```text
Frame{{1 + 1}}
```
END
npx vitepress build pages > build.log 2>&1 || { tail -n 5 build.log; exit 1; }

cat > show.mjs << 'END'
import { readFileSync } from 'node:fs'
const page = readFileSync('pages/.vitepress/dist/index.html', 'utf8')
const text = (html) => html.replace(/<[^>]*>/g, '').trim()
console.log('in a code span: ' + text(page.match(/Span: (<code>.*?<\/code>)/s)[1]))
console.log('in a fenced block: ' + text(page.match(/<pre.*?<\/pre>/s)[0]))
END
node show.mjs | tee seen

cat > expected << 'END'
in a code span: Frame2
in a fenced block: Frame{{1 + 1}}
END
diff expected seen
